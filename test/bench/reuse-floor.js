/** What no reuse can do without: per image one GET of the manifest, one of its referrers, one PUT. Checks nothing. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

const [list, tag] = process.argv.slice(2);
const refs = readFileSync(list, 'utf8').trim().split('\n');
const dispatcher = new Agent({ connections: 16 });
const accept = 'application/vnd.oci.image.index.v1+json';

async function retag(ref) {
  const [, host, repository, digest] = /^([^/]+)\/(.+)@(.+)$/.exec(ref);
  const base = `http://${host}/v2/${repository}/manifests`;
  const [manifest, referrers] = await Promise.all([
    request(`${base}/${digest}`, { dispatcher, headers: { accept } }),
    request(`${base}/${digest.replace(':', '-')}`, { dispatcher, headers: { accept } }),
  ]);
  const [body] = await Promise.all([manifest.body.arrayBuffer(), referrers.body.arrayBuffer()]);
  const put = await request(`${base}/${tag}`, {
    dispatcher,
    method: 'PUT',
    headers: { 'content-type': accept },
    body: new Uint8Array(body),
  });
  await put.body.dump();
  if (put.statusCode !== 201) throw new Error(`${ref}: ${put.statusCode}`);
}

const queue = refs[Symbol.iterator]();
await Promise.all(
  Array.from({ length: 16 }, async () => {
    for (const ref of queue) await retag(ref);
  }),
);
await dispatcher.close();
