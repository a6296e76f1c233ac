import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { canonicalJson } from '../../../src/oci/manifest.ts';
import { serve } from './http.ts';
import type { Service } from './service.ts';

/** A TUF repository over HTTP (The Update Framework 1.0, consistent snapshots), signed with one key of its own. */
export interface TufMirror extends Service {
  readonly url: string;
  /** Its first root.json, which clients have to have. */
  readonly root: string;
}

/** Starts a repository that has these targets. */
export async function startTufMirror(targets: Readonly<Record<string, string>>): Promise<TufMirror> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
  const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw } };
  const keyid = sha256(canonicalJson(key));
  const signed = (type: string, content: object) => {
    const body = {
      _type: type,
      spec_version: '1.0.31',
      version: 1,
      expires: '2100-01-01T00:00:00Z',
      ...content,
    };
    const sig = sign(null, Buffer.from(canonicalJson(body)), privateKey).toString('hex');
    return JSON.stringify({ signatures: [{ keyid, sig }], signed: body });
  };
  const role = { keyids: [keyid], threshold: 1 };
  const root = signed('root', {
    consistent_snapshot: true,
    keys: { [keyid]: key },
    roles: { root: role, targets: role, snapshot: role, timestamp: role },
  });
  const entries = Object.entries(targets);
  const list = signed('targets', {
    targets: Object.fromEntries(entries.map(([name, text]) => [name, about(text)])),
  });
  const snapshot = signed('snapshot', { meta: { 'targets.json': { ...about(list), version: 1 } } });
  const files = new Map([
    ['/1.root.json', root],
    ['/1.targets.json', list],
    ['/1.snapshot.json', snapshot],
    [
      '/timestamp.json',
      signed('timestamp', { meta: { 'snapshot.json': { ...about(snapshot), version: 1 } } }),
    ],
    ...entries.map(([name, text]) => [`/targets/${sha256(text)}.${name}`, text] as const),
  ]);
  const server = await serve((request, response) => {
    const text = files.get(request.url ?? '');
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  const stop = () => server.close();
  return { url: server.url, root, stop, [Symbol.asyncDispose]: stop };
}

function about(text: string) {
  return { length: Buffer.byteLength(text), hashes: { sha256: sha256(text) } };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
