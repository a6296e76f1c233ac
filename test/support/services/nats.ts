import { connect } from 'node:net';
import { join } from 'node:path';
import { tool } from '../../tools/locate.ts';
import { freePort } from './ports.ts';
import { inFolder, type Program, removeFolder, type Service, startProgram, untilReady } from './service.ts';

/** A NATS server with JetStream on loopback, which keeps its streams in files. */
export interface Nats extends Service {
  /** `nats://127.0.0.1:PORT`. */
  readonly url: string;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again; returns once it takes connections. */
  start(): Promise<void>;
}

/** Starts a server without streams. */
export function startNats(): Promise<Nats> {
  return inFolder('nats', async (folder) => {
    const port = await freePort();
    const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(folder, 'data')];
    let program: Program;
    const start = async () => {
      program = startProgram(tool('nats-server'), args, { folder });
      await untilReady(program, () => isOpen(port));
    };
    await start();
    const kill = async () => {
      process.kill(program.pid, 'SIGKILL');
      await program.exit;
    };
    const stop = async () => {
      await program.stop();
      await removeFolder(folder);
    };
    return { url: `nats://127.0.0.1:${port}`, start, kill, stop, [Symbol.asyncDispose]: stop };
  });
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}
