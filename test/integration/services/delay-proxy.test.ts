import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { startDelayProxy } from '../../support/services/delay-proxy.ts';
import { startDistribution } from '../../support/services/distribution.ts';
import { run } from '../../support/services/run.ts';
import { pushSampleImage } from '../../support/services/sample-image.ts';
import { tool } from '../../tools/locate.ts';

describe('delay proxy', () => {
  it('delays every request of a push and counts them, uploads included', async () => {
    await using registry = await startDistribution();
    await using proxy = await startDelayProxy({ target: registry.url, delayMs: 40 });
    const started = performance.now();
    const image = await pushSampleImage(`${proxy.host}/acme/app`);
    // A registry that named itself in a Location header would take the uploads past the proxy.
    const methods = new Set(proxy.requests.map((request) => request.method));
    expect([...methods].sort()).toEqual(['GET', 'HEAD', 'PATCH', 'POST', 'PUT']);
    expect(performance.now() - started).toBeGreaterThan(6 * 40);
    expect(proxy.requests.every((request) => request.status !== undefined)).toBe(true);
    proxy.reset();
    expect(proxy.requests).toHaveLength(0);
    await run(tool('crane'), ['validate', `--remote=${image}`]);
    expect(proxy.requests.length).toBeGreaterThan(1);
  });

  it('lets requests wait side by side', async () => {
    await using registry = await startDistribution();
    await using proxy = await startDelayProxy({ target: registry.url, delayMs: 1000 });
    const started = performance.now();
    await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${proxy.url}/v2/`)).text()));
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(proxy.requests).toHaveLength(20);
  });

  it('breaks the connection when the target does', async () => {
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await using proxy = await startDelayProxy({ target: `http://127.0.0.1:${port}` });
    await expect(fetch(proxy.url)).rejects.toThrow();
    server.close();
  });
});
