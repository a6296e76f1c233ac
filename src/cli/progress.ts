import type { Event } from '../core/events.ts';
import type { EventRenderer } from '../render/events.ts';
import { githubRenderer } from '../render/github.ts';
import { liveRenderer } from '../render/live.ts';
import { ndjsonRenderer } from '../render/ndjson.ts';
import { plainRenderer } from '../render/plain.ts';
import { maskDeep } from '../render/text.ts';
import type { Environment } from './environment.ts';

/** Where a command's events go, until it is disposed of. */
export interface Progress extends Disposable {
  readonly emit: (event: Event) => void;
  /** Tells the person who pressed Ctrl-C that it was heard. */
  interrupted(): void;
  /** Takes a live view off the terminal; what comes later is not shown. */
  end(): void;
}

/** The renderer that suits where stderr leads: `--events ndjson`, GitHub Actions, a terminal, or anything else. */
export function createProgress(
  stderr: NodeJS.WriteStream,
  environment: Environment,
  format: string | undefined,
): Progress {
  const renderer = chooseRenderer(stderr, environment, format);
  const emit = (event: Event) => renderer.show(maskDeep(event, environment.secrets) as Event);
  const end = () => renderer.end();
  // Also when the process ends in the middle: a terminal without its cursor would be left behind.
  process.once('exit', end);
  return {
    emit,
    interrupted: () =>
      emit({
        type: 'warning',
        code: 'stopping',
        message: 'Stopping and cleaning up; once more ends at once.',
      }),
    end,
    [Symbol.dispose]() {
      process.off('exit', end);
      end();
    },
  };
}

function chooseRenderer(
  stderr: NodeJS.WriteStream,
  environment: Environment,
  format: string | undefined,
): EventRenderer {
  const write = (text: string) => void stderr.write(text);
  const now = () => performance.now();
  if (format === 'ndjson') return ndjsonRenderer(write, now);
  if (environment.ci === 'github') return githubRenderer(write);
  if (environment.ci !== undefined || !environment.stderr.isTTY) return plainRenderer(write);
  const size = () => ({ columns: stderr.columns || 80, rows: stderr.rows || 24 });
  return liveRenderer({ write, size, color: environment.stderr.color, now });
}
