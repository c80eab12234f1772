//! A job's ids as a band: which of them are in which state, at the resolution of a screen.

/// How finely a band is drawn. However many ranges there are, it has no more segments than this, and
/// one range in trouble among thousands is still as wide as one cell.
pub(crate) const CELLS: u16 = 500;

/// What has become of an id. Where several share a cell, the highest is shown: trouble before work,
/// work before what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// No row has it, or its row is none of the job's.
    PassedOver,
    /// In one of the ranges before those that are looked at one by one.
    Earlier,
    /// Its range succeeded.
    Succeeded,
    /// Not handed out yet.
    ToDo,
    /// Not handed out yet, since it or one before it is not ready.
    Held,
    /// Its range was requeued.
    Requeued,
    /// Its range runs.
    Running,
    /// Its range failed and will be handed out again.
    Failed,
    /// Its range failed as often as is allowed.
    Exhausted,
}

impl State {
    /// All, as a legend lists them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Succeeded,
        Self::Earlier,
        Self::Running,
        Self::Failed,
        Self::Exhausted,
        Self::Requeued,
        Self::Held,
        Self::ToDo,
        Self::PassedOver,
    ];

    /// Its name in style sheet and patterns.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PassedOver => "passed-over",
            Self::Earlier => "earlier",
            Self::Succeeded => "succeeded",
            Self::ToDo => "to-do",
            Self::Held => "held",
            Self::Requeued => "requeued",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Exhausted => "exhausted",
        }
    }

    /// Its name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::PassedOver => "no items",
            Self::Earlier => "earlier",
            Self::Succeeded => "succeeded",
            Self::ToDo => "to do",
            Self::Held => "held",
            Self::Requeued => "requeued",
            Self::Running => "running",
            Self::Failed => "failed, will be retried",
            Self::Exhausted => "exhausted",
        }
    }

    /// What it means.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::PassedOver => "ids without a row, or whose rows are none of the job's",
            Self::Earlier => {
                "handed out before the latest attempts, and neither running nor waiting"
            }
            Self::Succeeded => "handed out and done",
            Self::ToDo => "not handed out yet",
            Self::Held => "not handed out yet: the first of them is not ready",
            Self::Requeued => "requeued, to be handed out again",
            Self::Running => "handed out, under way",
            Self::Failed => "failed or given up, to be handed out again",
            Self::Exhausted => "failed as often as is allowed: waits to be requeued",
        }
    }
}

/// Ids in one state, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) state: State,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
}

/// A run of cells in one state, and the ids in them that are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) piece: Piece,
    /// Where it begins, in cells.
    pub(crate) cell: u16,
    /// How many cells it is wide.
    pub(crate) width: u16,
}

/// Ids from `first` to `last`, as segments that lie side by side and cover all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Band {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) segments: Vec<Segment>,
}

impl Band {
    /// Lays pieces out; they may overlap, come in any order, and reach over the ends. What none of
    /// them covers was passed over.
    pub(crate) fn lay_out(first: i64, last: i64, mut pieces: Vec<Piece>) -> Self {
        let mut band = Self {
            first,
            last: last.max(first),
            segments: Vec::new(),
        };
        // Whoever wrote the inventory may have swapped a range's ends.
        pieces.retain(|piece| piece.id_start <= piece.id_end);
        pieces.retain(|piece| piece.id_end >= band.first && piece.id_start <= band.last);
        let gaps = band.gaps(&mut pieces);
        pieces.extend(gaps);
        let mut cells: Vec<Option<Piece>> = vec![None; usize::from(CELLS)];
        for piece in pieces {
            let covered =
                usize::from(band.cell(piece.id_start))..usize::from(band.end_cell(piece.id_end));
            for cell in cells.get_mut(covered).unwrap_or_default() {
                *cell = Some(match *cell {
                    Some(other) if other.state > piece.state => other,
                    Some(other) if other.state == piece.state => joined(other, piece),
                    _ => piece,
                });
            }
        }
        for (cell, piece) in (0..CELLS).zip(cells) {
            match (band.segments.last_mut(), piece) {
                (Some(segment), Some(piece)) if segment.piece.state == piece.state => {
                    segment.piece = joined(segment.piece, piece);
                    segment.width += 1;
                }
                (_, Some(piece)) => band.segments.push(Segment {
                    piece,
                    cell,
                    width: 1,
                }),
                (_, None) => {}
            }
        }
        band
    }

    /// What none of the pieces covers.
    fn gaps(&self, pieces: &mut [Piece]) -> Vec<Piece> {
        pieces.sort_unstable_by_key(|piece| piece.id_start);
        let mut gaps = Vec::new();
        let mut gap = |id_start: i64, id_end: i64| {
            if id_start <= id_end {
                gaps.push(Piece {
                    state: State::PassedOver,
                    id_start,
                    id_end,
                });
            }
        };
        let mut next = self.first;
        for piece in pieces {
            gap(next, piece.id_start.saturating_sub(1));
            match piece.id_end.checked_add(1) {
                Some(behind) => next = next.max(behind),
                None => return gaps,
            }
        }
        gap(next, self.last);
        gaps
    }

    /// The cell in which an id begins, or the one at the end beyond which it lies.
    pub(crate) fn cell(&self, id: i64) -> u16 {
        let cell = self.offset(id) * i128::from(CELLS) / self.ids();
        u16::try_from(cell).unwrap_or(CELLS - 1)
    }

    /// The cell before which an id ends.
    fn end_cell(&self, id: i64) -> u16 {
        let position = (self.offset(id) + 1) * i128::from(CELLS);
        // Rounded up, so that an id has a cell however many share it.
        u16::try_from((position + self.ids() - 1) / self.ids()).unwrap_or(CELLS)
    }

    /// How many ids come before one. Differences of 64 bit integers, and their multiples, need more
    /// than 64 bits.
    fn offset(&self, id: i64) -> i128 {
        i128::from(id.clamp(self.first, self.last)) - i128::from(self.first)
    }

    /// How many ids it covers.
    fn ids(&self) -> i128 {
        i128::from(self.last) - i128::from(self.first) + 1
    }

    /// Round ids to write beside it, at most so many, each with its cell.
    pub(crate) fn ticks(&self, at_most: u8) -> Vec<(i64, u16)> {
        let mut step = 1_i128;
        let mut factors = [2, 5, 10].into_iter().cycle();
        let mut decade = 1_i128;
        while self.ids() / step > i128::from(at_most.max(1)) {
            let factor = factors.next().unwrap_or(10);
            step = decade * factor;
            if factor == 10 {
                decade = step;
            }
        }
        let lowest = i128::from(self.first).div_euclid(step) * step;
        (0..=i128::from(at_most) + 1)
            .filter_map(|index| i64::try_from(lowest + index * step).ok())
            .filter(|id| (self.first..=self.last).contains(id))
            .map(|id| (id, self.cell(id)))
            .collect()
    }
}

fn joined(one: Piece, other: Piece) -> Piece {
    Piece {
        state: one.state,
        id_start: one.id_start.min(other.id_start),
        id_end: one.id_end.max(other.id_end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(state: State, id_start: i64, id_end: i64) -> Piece {
        Piece {
            state,
            id_start,
            id_end,
        }
    }

    /// Segments lie side by side, fill the band, and differ from their neighbours.
    fn check(band: &Band) {
        let mut next = 0;
        for segment in &band.segments {
            assert_eq!(segment.cell, next);
            assert!(segment.width > 0);
            assert!(
                segment.piece.id_start <= segment.piece.id_end,
                "{segment:?}"
            );
            next += segment.width;
        }
        assert_eq!(next, CELLS);
        let states = band.segments.windows(2);
        assert!(
            states
                .into_iter()
                .all(|two| two[0].piece.state != two[1].piece.state)
        );
    }

    fn states(band: &Band) -> Vec<(State, u16)> {
        check(band);
        (band.segments.iter())
            .map(|segment| (segment.piece.state, segment.width))
            .collect()
    }

    #[test]
    fn neighbours_of_one_state_are_one_segment_and_gaps_are_seen() {
        let band = Band::lay_out(
            1,
            1_000,
            vec![
                piece(State::Succeeded, 1, 100),
                piece(State::Succeeded, 101, 400),
                piece(State::Running, 401, 500),
                piece(State::ToDo, 601, 1_000),
            ],
        );
        assert_eq!(
            states(&band),
            [
                (State::Succeeded, 200),
                (State::Running, 50),
                (State::PassedOver, 50),
                (State::ToDo, 200),
            ]
        );
        assert_eq!(band.segments[0].piece, piece(State::Succeeded, 1, 400));
        assert_eq!(band.segments[2].piece, piece(State::PassedOver, 501, 600));
    }

    #[test]
    fn one_item_in_trouble_is_seen_among_a_million() {
        let mut pieces: Vec<Piece> = (0..1_000)
            .map(|range| piece(State::Succeeded, range * 1_000, range * 1_000 + 999))
            .collect();
        pieces.insert(0, piece(State::Exhausted, 500_500, 500_500));
        let band = Band::lay_out(0, 999_999, pieces);
        assert_eq!(
            states(&band),
            [
                (State::Succeeded, 250),
                (State::Exhausted, 1),
                (State::Succeeded, 249)
            ]
        );
        assert_eq!(
            band.segments[1].piece,
            piece(State::Exhausted, 500_500, 500_500)
        );
    }

    #[test]
    fn all_64_bit_ids_have_a_place() {
        let (lowest, highest) = (i64::MIN + 1, i64::MAX);
        let band = Band::lay_out(
            lowest,
            highest,
            vec![
                piece(State::Succeeded, lowest, -1),
                piece(State::ToDo, 0, highest),
                piece(State::Failed, highest, highest),
            ],
        );
        assert_eq!(
            states(&band),
            [
                (State::Succeeded, 249),
                (State::ToDo, 250),
                (State::Failed, 1)
            ]
        );
        check(&Band::lay_out(i64::MIN, i64::MAX, vec![]));
        check(&Band::lay_out(i64::MAX, i64::MIN, vec![]));
    }

    #[test]
    fn few_ids_are_as_wide_as_they_can_be() {
        let one = Band::lay_out(7, 7, vec![piece(State::Running, 7, 7)]);
        assert_eq!(states(&one), [(State::Running, 500)]);
        let four = Band::lay_out(
            -1,
            2,
            vec![piece(State::Succeeded, -1, 0), piece(State::ToDo, 2, 2)],
        );
        assert_eq!(
            states(&four),
            [
                (State::Succeeded, 250),
                (State::PassedOver, 125),
                (State::ToDo, 125)
            ]
        );
        assert_eq!(four.segments[1].piece, piece(State::PassedOver, 1, 1));
    }

    #[test]
    fn what_lies_outside_or_makes_no_sense_is_left_out() {
        let band = Band::lay_out(
            0,
            499,
            vec![
                piece(State::Failed, -20, -10),
                piece(State::Running, 490, 1_000),
                piece(State::Succeeded, 300, 200),
            ],
        );
        assert_eq!(
            states(&band),
            [(State::PassedOver, 490), (State::Running, 10)]
        );
    }

    #[test]
    fn ticks_are_round_and_few() {
        let ids = |first, last, at_most| {
            let ticks = Band::lay_out(first, last, vec![]).ticks(at_most);
            ticks.iter().map(|(id, _)| *id).collect::<Vec<_>>()
        };
        assert_eq!(ids(1, 1_000, 5), [200, 400, 600, 800, 1_000]);
        assert_eq!(ids(-50, 49, 5), [-40, -20, 0, 20, 40]);
        assert_eq!(ids(7, 7, 5), [7]);
        assert!(ids(i64::MIN, i64::MAX, 4).len() <= 5);
        assert!(ids(0, 9, 0).len() <= 2);
    }
}
