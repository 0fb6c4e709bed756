/** How many answers may be worked on at once: fewer while they take too long, so that those that are begun are finished and the rest costs little. */

export interface AnswerLimit {
  /** Takes a place; false when there is none. */
  enter(): boolean;
  /** Gives it back. `share`: what the answer took, in deadlines. */
  leave(share: number): void;
  /** Places there are now. */
  readonly places: number;
}

/** From this share of its deadline on an answer says that there is too much to do: what a dead part costs, its budget and no more, stays below. */
const lateShare = 0.8;
const shrink = 0.9;
/** Places that are always there: without any nothing would say that the load is gone. */
const placesMin = 4;

/**
 * Additive increase, multiplicative decrease, as TCP finds its window (Jacobson, 1988) and Netflix' concurrency limits find theirs: each answer in
 * time adds 1/places, each late one takes a tenth.
 */
export function createAnswerLimit(placesMax: number): AnswerLimit {
  const least = Math.min(placesMin, placesMax);
  let places = placesMax;
  let taken = 0;
  return {
    enter: () => {
      if (taken >= Math.floor(places)) return false;
      taken++;
      return true;
    },
    leave: (share) => {
      taken--;
      places = share >= lateShare ? Math.max(least, places * shrink) : Math.min(placesMax, places + 1 / places);
    },
    get places() {
      return Math.floor(places);
    },
  };
}
