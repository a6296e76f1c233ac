import type { Digest } from '../oci/types.ts';

/** Where a component stands; in this order, though what is not built is only tagged. */
export type ComponentState =
  | 'planned'
  | 'building'
  | 'built'
  | 'describing'
  | 'pushing'
  | 'pushed'
  | 'attesting'
  | 'attested'
  | 'signing'
  | 'sealed'
  | 'tagged'
  | 'failed';

/** The parts of a publish that concern all components together. */
export type PublishStep = 'facts' | 'plan' | 'build' | 'sign' | 'tag' | 'record' | 'channel';

/** What happens during a publish, as plain data; `render/` makes lines, a live view or NDJSON of it. */
export type PublishEvent =
  | { readonly type: 'step'; readonly step: PublishStep; readonly message: string }
  | {
      readonly type: 'component';
      /** `domain/orders`. */
      readonly component: string;
      readonly state: ComponentState;
      readonly digest?: Digest;
      readonly detail?: string;
    }
  | { readonly type: 'log'; readonly component: string; readonly line: string }
  | { readonly type: 'warning'; readonly code: string; readonly message: string };

/** Receives events in the order in which they happen; must not throw. */
export type Emit = (event: PublishEvent) => void;
