//! What is drawn and what is counted, without a world.

mod churn;
mod distributions;
mod frozen;
mod histogram;
mod population;
