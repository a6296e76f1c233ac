import type { EventData } from './event-document.ts';

/** What happens while a command runs, as plain data; `render/` makes a live view, plain lines or NDJSON of it. */
export type Event = EventData;

/** How an item is doing, in words that every feature shares: a renderer needs no more to count, spin or mark it. */
export type ItemStatus = Extract<Event, { type: 'item' }>['status'];

/** Receives events in the order in which they happen; must not throw. */
export type Emit = (event: Event) => void;
