import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Service, stopper } from './service.ts';

/** A TCP relay on loopback that can take away what stands behind it. */
export interface Gate extends Service {
  readonly port: number;
  /** Cuts every connection, and each new one at once. */
  shut(): void;
  open(): void;
}

/** Starts an open gate before a loopback port. */
export async function startGate(target: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let open = true;
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const server = createServer((client) => {
    if (!open) return client.resetAndDestroy();
    const behind = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    return undefined;
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const stop = stopper(async () => {
    const closed = new Promise<void>((done) => server.close(() => done()));
    cut();
    await closed;
  });
  return {
    port: (server.address() as AddressInfo).port,
    shut: () => {
      open = false;
      cut();
    },
    open: () => {
      open = true;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
