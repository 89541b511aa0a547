//! What is drawn: distributions, populations, comings and goings.

mod churn;
mod distributions;
mod population;
