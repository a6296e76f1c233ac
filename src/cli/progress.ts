import type { Environment } from '../app/environment.ts';
import type { Event } from '../core/events.ts';
import { mask } from '../core/mask.ts';
import type { EventRenderer } from '../render/events.ts';
import { githubRenderer } from '../render/github.ts';
import { ndjsonRenderer } from '../render/ndjson.ts';
import { plainRenderer } from '../render/plain.ts';
import { quietRenderer } from '../render/quiet.ts';
import { inert } from '../render/text.ts';

/** The flags that decide how events are shown. */
export interface ProgressFlags {
  readonly quiet: boolean;
  readonly events?: string | undefined;
  /** Absent for a command that reports no progress. */
  readonly verbose?: boolean | undefined;
}

/** Receives the events of a command, until it is disposed of. */
export interface Progress extends Disposable {
  readonly emit: (event: Event) => void;
  /** Takes a live view off the terminal; what comes later is not shown. */
  end(): void;
}

/** The renderer for the kind of stderr: `--events ndjson`, GitHub Actions, a terminal, or anything else. */
export async function createProgress(
  stderr: NodeJS.WriteStream,
  environment: Environment,
  flags: ProgressFlags,
): Promise<Progress> {
  const renderer = await chooseRenderer(stderr, environment, flags);
  const emit = (event: Event) => renderer.show(masked(event, environment.secrets));
  const end = () => renderer.end();
  // Also when the process ends in the middle: a terminal without its cursor would be left behind.
  process.once('exit', end);
  return {
    emit,
    end,
    [Symbol.dispose]() {
      process.off('exit', end);
      end();
    },
  };
}

async function chooseRenderer(
  stderr: NodeJS.WriteStream,
  { ci, stderr: { isTTY, color } }: Environment,
  { quiet, events, verbose }: ProgressFlags,
): Promise<EventRenderer> {
  const write = (text: string) => void stderr.write(text);
  if (quiet) return quietRenderer((text) => write(ci === 'github' ? inert(text) : text));
  if (events === 'ndjson') return ndjsonRenderer(write, () => performance.now());
  if (ci === 'github') return githubRenderer(write);
  // A terminal without a size, as some containers have it, cannot be drawn on.
  const canDraw = isTTY && stderr.columns > 0;
  if (ci !== undefined || !canDraw || verbose !== false) return plainRenderer(write, verbose === true);
  const { liveRenderer } = await import('../render/live.ts');
  return liveRenderer(stderr, color);
}

/** Free text may repeat what a program or a server wrote; ids, states and digests are data and stay as they are. */
function masked(event: Event, secrets: readonly string[]): Event {
  switch (event.type) {
    case 'log':
      return { ...event, line: mask(event.line, secrets) };
    case 'item':
      return event.detail === undefined ? event : { ...event, detail: mask(event.detail, secrets) };
    default:
      return { ...event, message: mask(event.message, secrets) };
  }
}
