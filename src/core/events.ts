/** How an item stands, in words that every feature shares: a renderer needs no more to count, spin or mark it. */
export type ItemStatus = 'waiting' | 'active' | 'done' | 'failed';

/** What happens while a command runs, as plain data; `render/` makes a live view, plain lines or NDJSON of it. */
export type Event =
  | {
      readonly type: 'step';
      /** Stable id of the step, a word of the feature: `build`. */
      readonly step: string;
      readonly message: string;
    }
  | {
      readonly type: 'item';
      /** What is worked on: `domain/orders`. */
      readonly item: string;
      readonly status: ItemStatus;
      /** A word of the feature: `pushing`. */
      readonly state: string;
      /** `sha256:…`, where the item has come to a digest. */
      readonly digest?: string;
      readonly detail?: string;
    }
  | { readonly type: 'log'; readonly item: string; readonly line: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string };

/** Receives events in the order in which they happen; must not throw. */
export type Emit = (event: Event) => void;
