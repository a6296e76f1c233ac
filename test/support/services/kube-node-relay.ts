import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer, isIP, type ListenOptions, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

// A node has a network of its own, which no address of this machine leads into. What is needed of one side on the other
// goes through Unix sockets, as connections whose first line says where to.

/** Sockets in the folder of a node: into its network, and out of it. */
export const IN = 'in.sock';
export const OUT = 'out.sock';

/** Passes on what comes, in both directions; when one side is gone, the other one is. */
export function relay(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => {});
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

/** The first line of a connection; what follows stays to be read. Empty if it ends before. */
export async function firstLine(socket: Socket): Promise<string> {
  let text = Buffer.alloc(0);
  socket.on('error', () => {});
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      if (socket.readableEnded || socket.destroyed) return '';
      await Promise.race([once(socket, 'readable'), once(socket, 'close')]).catch(() => {});
      continue;
    }
    text = Buffer.concat([text, chunk]);
    const end = text.indexOf('\n');
    if (end < 0) continue;
    socket.unshift(text.subarray(end + 1));
    return text.toString('utf8', 0, end);
  }
}

/** Opens a connection that begins with a line, and relays another one over it. */
export function relayTo(path: string, line: string, socket: Socket): void {
  const behind = connect({ path, allowHalfOpen: true });
  behind.write(`${line}\n`);
  relay(socket, behind);
}

/** Whether a server listens: its socket is there a moment before that. */
export function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path }, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
}

/** A server for connections that either side may end by itself. */
export async function listen(options: ListenOptions, handle: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, handle);
  server.listen(options);
  await once(server, 'listening');
  return server;
}

/** The side in the network of the node: `folder`, its address, which answers names as well. */
async function main([folder = '', address = '']: readonly string[]): Promise<void> {
  const resolver = new Resolver();
  resolver.setServers([address]);
  const handle = async (socket: Socket) => {
    const [verb, target = ''] = (await firstLine(socket)).split(' ');
    if (verb === '') return void socket.destroy();
    if (verb === 'listen') {
      // On loopback for the programs of the node, on its address for pods.
      for (const host of ['127.0.0.1', address])
        await listen({ host, port: Number(target) }, (client) => relayTo(join(folder, OUT), target, client));
      socket.end('ok\n');
      return;
    }
    const [name = '', port] = target.split(':');
    const host = isIP(name) ? name : (await resolver.resolve4(name))[0];
    relay(socket, connect({ host: host ?? '', port: Number(port), allowHalfOpen: true }));
  };
  await listen({ path: join(folder, IN) }, (socket) => {
    handle(socket).catch((error: unknown) => {
      process.stderr.write(`${error}\n`);
      socket.destroy();
    });
  });
}

if (import.meta.main) await main(process.argv.slice(2));
