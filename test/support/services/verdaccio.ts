import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { freePort } from './ports.ts';
import { run } from './run.ts';
import {
  answers,
  inFolder,
  removeFolder,
  type Service,
  startProgram,
  stopper,
  untilReady,
} from './service.ts';

/** A registry of npm on loopback, to which everybody may publish. */
export interface Verdaccio extends Service {
  readonly url: string;
  /** Packs the package in a folder, and publishes it as a user does. */
  publish(folder: string): Promise<void>;
}

/** Starts verdaccio without another registry behind it: what nobody has published is not found. */
export function startVerdaccio(): Promise<Verdaccio> {
  return inFolder('verdaccio', async (folder) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const config = [
      `storage: ${join(folder, 'storage')}`,
      'auth: { htpasswd: { file: ./htpasswd } }',
      'packages: { "**": { access: $all, publish: $all, unpublish: $all } }',
      'web: { enable: false }',
      'log: { type: stdout, format: pretty, level: warn }',
    ];
    await writeFile(join(folder, 'config.yaml'), `${config.join('\n')}\n`);
    const args = ['--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`];
    const program = startProgram(tool('verdaccio'), args, { folder });
    await untilReady(program, () => answers(`${url}-/ping`));
    // npm publishes nothing without a token, and this registry takes any.
    const npmrc = join(folder, 'npmrc');
    await writeFile(npmrc, `registry=${url}\n//127.0.0.1:${port}/:_authToken=anybody\n`);
    const stop = stopper(
      () => program.stop(),
      () => removeFolder(folder),
    );
    return {
      url,
      publish: async (source) => {
        const packed = join(folder, 'packed');
        await mkdir(packed, { recursive: true });
        const flags = ['--userconfig', npmrc, '--ignore-scripts', '--silent'];
        const [line] = (await run('npm', ['pack', source, ...flags], { cwd: packed }))
          .trim()
          .split('\n')
          .slice(-1);
        await run('npm', ['publish', join(packed, line ?? ''), ...flags], { cwd: packed });
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  });
}
