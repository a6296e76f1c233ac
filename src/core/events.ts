import type { EventData } from './event-document.ts';

/** An event of a running command, as plain data; `render/` shows it as a live view, plain lines or NDJSON. */
export type Event = EventData;

/** How an item is doing, in words that every feature shares: a renderer needs no more to count, spin or mark it. */
export type ItemStatus = Extract<Event, { type: 'item' }>['status'];

/** Receives events in the order in which they happen; must not throw. */
export type Emit = (event: Event) => void;
