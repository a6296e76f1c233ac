import { createHash } from 'node:crypto';
import { createProcesses } from '../../src/adapters/process.ts';
import type { Digest } from '../../src/core/digest.ts';
import { createRegistryClient } from '../../src/oci/client.ts';
import { joinRepository } from '../../src/oci/reference.ts';

/**
 * Pushes a blob of so many MiB to a registry and prints how far the peak of this process's memory rose, as JSON in bytes.
 * A program of its own, because a test runner's memory says nothing.
 *
 *     node test/support/upload-memory.ts HOST MEBIBYTES
 */
const [host = '', mebibytes = '0'] = process.argv.slice(2);
// As large as the pieces of an image layout.
const block = new Uint8Array(64 * 1024).fill(7);
const blocks = Number(mebibytes) * 16;

async function* content(): AsyncGenerator<Uint8Array> {
  // A new block each time, as a file gives them: what is kept too long shows.
  for (let i = 0; i < blocks; i += 1) yield block.slice();
}

const sha = createHash('sha256');
for (let i = 0; i < blocks; i += 1) sha.update(block);
const digest: Digest = `sha256:${sha.digest('hex')}`;

const client = createRegistryClient({ credentials: {}, processes: createProcesses({}), access: 'write' });
const repository = joinRepository(host, 'memory/blob');
// Everything is loaded and connected before the idle memory is taken.
await client.headManifest(repository, 'none');
const idle = process.memoryUsage.rss();
let peak = idle;
const timer = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 5);
const started = performance.now();
const size = blocks * block.length;
const descriptor = { mediaType: 'application/octet-stream', digest, size };
const outcome = await client.pushBlob(repository, { descriptor, open: content });
const milliseconds = Math.round(performance.now() - started);
clearInterval(timer);
// What the kernel saw at most counts, in case the timer was too late.
peak = Math.max(peak, process.resourceUsage().maxRSS * 1024);
await client.close();
console.log(JSON.stringify({ outcome, size, idle, peak, rise: peak - idle, milliseconds }));
