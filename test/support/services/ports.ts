import { createServer } from 'node:net';

/** Ports that `fetch` refuses, from those a system hands out (the WHATWG list above 1023). */
const REFUSED = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
  10080,
]);

/** True for a port that `fetch` will talk to. */
export function isFetchable(port: number): boolean {
  return port > 1023 && !REFUSED.has(port);
}

/** Different free loopback ports; they are held together until all are chosen. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, holdPort));
  const ports = held.map((holder) => holder.port);
  await Promise.all(held.map((holder) => holder.release()));
  return ports;
}

/** One free loopback port. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
}

function holdPort(): Promise<{ port: number; release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    const release = () => new Promise<void>((closed) => server.close(() => closed()));
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') {
        reject(new Error('a TCP server without a port'));
      } else if (isFetchable(address.port)) {
        resolve({ port: address.port, release });
      } else {
        // Still held while the next one is asked for, so that the same port cannot come back.
        resolve(holdPort().finally(release));
      }
    });
  });
}
