//! Reading crawls of real networks.

use super::Graph;

/// A graph read from a text with an edge a line, as the files of the Stanford Network Analysis
/// Project (<https://snap.stanford.edu/data/>): two node numbers with blanks or a tab between them,
/// `#` or `%` before a comment. Directions do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeList {
    /// The graph, its nodes numbered in the order of their numbers in the text. Nodes that no edge
    /// names are not in it.
    pub graph: Graph,
    /// The number that each node has in the text, in ascending order.
    pub labels: Vec<u64>,
    /// How many edges the text lists, loops, repetitions and both directions of an edge included.
    pub listed: usize,
    /// How many nodes the text's first line says there are, if it does.
    pub declared_nodes: Option<u64>,
}

/// What is wrong with a text, and in which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct EdgeListError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: EdgeListErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeListErrorKind {
    /// Something else where a node's number has to be.
    #[error("expected a node's number of at most 64 bits in column {column}")]
    NotANumber {
        /// Counted in bytes from 1.
        column: usize,
    },
    /// A line with another number of fields than an edge has.
    #[error("expected two node numbers, found {fields} fields")]
    Fields {
        /// How many there are.
        fields: usize,
    },
    /// More edges than a [`Graph`] can have.
    #[error("more than {max} edges")]
    TooManyEdges {
        /// How many it can have.
        max: usize,
    },
}

const MAX_EDGES: usize = (1 << 31) - 1;

impl EdgeList {
    /// Reads a text. Memory is in proportion to its length, whatever numbers the nodes have.
    ///
    /// A first line of one number says how many nodes there are. So does one of two numbers, nodes
    /// and edges, where it can be told from an edge: its first number is greater than any below, and
    /// either the second is the count of the edges below or it is written with other blanks between
    /// the two than they are.
    ///
    /// # Errors
    /// A line is neither empty, nor a comment, nor an edge.
    pub fn parse(text: &[u8]) -> Result<Self, EdgeListError> {
        let mut edges: Vec<(u64, u64)> = Vec::new();
        let mut declared_nodes = None;
        let (mut first_blanks, mut blanks): (Option<&[u8]>, Option<&[u8]>) = (None, None);
        let mut first = true;
        for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let error = |kind| EdgeListError { line: number + 1, kind };
            let content = line.trim_ascii();
            if content.is_empty() || content[0] == b'#' || content[0] == b'%' {
                continue;
            }
            let end = |text: &[u8]| text.iter().position(u8::is_ascii_whitespace);
            let Some(from) = end(content) else {
                if core::mem::take(&mut first) {
                    declared_nodes = Some(parse_number(line, content).map_err(error)?);
                    continue;
                }
                return Err(error(EdgeListErrorKind::Fields { fields: 1 }));
            };
            let rest = content[from..].trim_ascii_start();
            if end(rest).is_some() {
                let fields = content.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
                return Err(error(EdgeListErrorKind::Fields { fields: fields.count() }));
            }
            if edges.len() == MAX_EDGES {
                return Err(error(EdgeListErrorKind::TooManyEdges { max: MAX_EDGES }));
            }
            let between = &content[from..content.len() - rest.len()];
            if core::mem::take(&mut first) {
                first_blanks = Some(between);
            } else if blanks.is_none() {
                blanks = Some(between);
            }
            let a = parse_number(line, &content[..from]).map_err(error)?;
            edges.push((a, parse_number(line, rest).map_err(error)?));
        }
        if let (Some(of_first), Some(of_rest)) = (first_blanks, blanks)
            && let Some((&(nodes, count), below)) = edges.split_first()
            && below.iter().all(|&(a, b)| a < nodes && b < nodes)
            && (count == below.len() as u64 || of_first != of_rest)
        {
            declared_nodes = Some(nodes);
            edges.remove(0);
        }
        Ok(Self::from_labels(edges, declared_nodes))
    }

    fn from_labels(edges: Vec<(u64, u64)>, declared_nodes: Option<u64>) -> Self {
        let mut labels: Vec<u64> = edges.iter().flat_map(|&(a, b)| [a, b]).collect();
        labels.sort_unstable();
        labels.dedup();
        // At most 2³² − 2 labels, for there are fewer than 2³¹ edges.
        let nodes = labels.len() as u32;
        let dense = labels.last().is_some_and(|&last| last == u64::from(nodes) - 1);
        let node = |label| match dense {
            true => label as u32,
            false => labels.partition_point(|&other| other < label) as u32,
        };
        let graph = Graph::new(nodes, edges.iter().map(|&(a, b)| (node(a), node(b))));
        Self { graph, labels, listed: edges.len(), declared_nodes }
    }
}

/// A number in decimal digits, which is a part of the line.
fn parse_number(line: &[u8], field: &[u8]) -> Result<u64, EdgeListErrorKind> {
    let parsed = field.iter().try_fold(0u64, |sum, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    });
    // Both are slices of one text.
    let column = field.as_ptr().addr() - line.as_ptr().addr() + 1;
    parsed.ok_or(EdgeListErrorKind::NotANumber { column })
}
