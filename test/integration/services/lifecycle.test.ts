import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startDistribution } from '../../support/services/distribution.ts';
import { freePorts } from '../../support/services/ports.ts';
import { startPostgres } from '../../support/services/postgres.ts';
import { inFolder, startProgram, untilReady } from '../../support/services/service.ts';

describe('a service', () => {
  it('shows its log and removes its folder when it cannot start', async () => {
    let folder = '';
    const starting = inFolder('broken', async (made) => {
      folder = made;
      const program = startProgram(
        process.execPath,
        ['-e', 'console.error("no such disk"); process.exit(3)'],
        {
          folder: made,
        },
      );
      await untilReady(program, async () => false);
    });
    await expect(starting).rejects.toThrow(/code 3[\s\S]*no such disk/);
    expect(existsSync(folder)).toBe(false);
  });

  it('takes other ports when somebody was faster', async () => {
    let attempts = 0;
    const started = await inFolder('busy', async (folder) => {
      attempts++;
      if (attempts === 2) {
        await rm(folder, { recursive: true });
        return 'second';
      }
      const program = startProgram(process.execPath, ['-e', 'throw new Error("address already in use")'], {
        folder,
      });
      await untilReady(program, async () => false);
      return 'first';
    });
    expect(started).toBe('second');
  });

  it('removes its folder at stop, and stops twice without harm', async () => {
    const registry = await startDistribution();
    expect(existsSync(registry.logFile)).toBe(true);
    await registry.stop();
    await registry.stop();
    expect(existsSync(dirname(registry.logFile))).toBe(false);
    await expect(fetch(registry.url)).rejects.toThrow();
  });

  it.runIf(process.platform === 'linux')('dies with a parent that is killed', async () => {
    const module = join(import.meta.dirname, '../../support/services/olareg.ts');
    const script = `import { startOlareg } from ${JSON.stringify(module)};
      console.log((await startOlareg()).url);
      setInterval(() => {}, 1000);`;
    // A killed parent removes nothing: its folder is in one of ours.
    const folder = await mkdtemp(join(tmpdir(), 'primitive-killed-'));
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await new Promise<string>((said) =>
      parent.stdout.once('data', (line) => said(String(line).trim())),
    );
    expect((await fetch(`${url}/v2/`)).status).toBe(200);
    parent.kill('SIGKILL');
    await expect
      .poll(
        () =>
          fetch(`${url}/v2/`).then(
            () => 'there',
            () => 'gone',
          ),
        { timeout: 60_000 },
      )
      .toBe('gone');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
});

describe.runIf(process.platform === 'linux')('Postgres that is frozen', () => {
  it('stops', async () => {
    const postgres = await startPostgres();
    postgres.freeze();
    await postgres.stop();
    expect(existsSync(postgres.logFile)).toBe(false);
  });

  it('ends with a parent that is killed', async () => {
    const module = join(import.meta.dirname, '../../support/services/postgres.ts');
    const script = `import { startPostgres } from ${JSON.stringify(module)};
      const postgres = await startPostgres();
      postgres.freeze();
      console.log(postgres.url);
      setInterval(() => {}, 1000);`;
    const folder = await mkdtemp(join(tmpdir(), 'primitive-killed-'));
    await chmod(folder, 0o755);
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = new URL(
      await new Promise<string>((said) => parent.stdout.once('data', (line) => said(String(line).trim()))),
    );
    const isListening = () =>
      new Promise<string>((done) => {
        const socket = connect(Number(url.port), url.hostname);
        socket.on('connect', () => done('there')).on('error', () => done('gone'));
        socket.on('connect', () => socket.destroy());
      });
    expect(await isListening()).toBe('there');
    parent.kill('SIGKILL');
    await expect.poll(isListening, { timeout: 60_000 }).toBe('gone');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
});

describe('free ports', () => {
  it('are all different', async () => {
    const ports = await freePorts(50);
    expect(new Set(ports).size).toBe(50);
  });
});
