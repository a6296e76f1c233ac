import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { freePort } from './ports.ts';
import {
  answers,
  inFolder,
  removeFolder,
  type Service,
  startProgram,
  stopper,
  untilReady,
} from './service.ts';

export interface OlaregOptions {
  /** The referrers API; on unless told otherwise. */
  readonly referrers?: boolean;
}

/** olareg on loopback: a second registry implementation, with the referrers API. */
export interface Olareg extends Service {
  /** `127.0.0.1:PORT`, as it stands in an image reference. */
  readonly host: string;
  readonly url: string;
  readonly logFile: string;
}

/** Starts olareg with deletion enabled and garbage collection off. */
export function startOlareg(options: OlaregOptions = {}): Promise<Olareg> {
  return inFolder('olareg', async (folder) => {
    const port = await freePort();
    const host = `127.0.0.1:${port}`;
    const url = `http://${host}`;
    const program = startProgram(
      tool('olareg'),
      [
        'serve',
        '--addr=127.0.0.1',
        `--port=${port}`,
        `--dir=${join(folder, 'data')}`,
        '--api-delete',
        '--api-blob-delete',
        `--api-referrer=${options.referrers ?? true}`,
        // A collection in the middle of a test would take away what is not tagged yet.
        '--gc-frequency=-1s',
      ],
      { folder },
    );
    await untilReady(program, () => answers(`${url}/v2/`));
    const stop = stopper(
      () => program.stop(),
      () => removeFolder(folder),
    );
    return { host, url, logFile: program.logFile, stop, [Symbol.asyncDispose]: stop };
  });
}
