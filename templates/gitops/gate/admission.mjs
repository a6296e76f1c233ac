// The policies of admission, made by `primitive gitops init`: nobody weakens one by hand, and each has the keys of today.
import { existsSync, readFileSync } from 'node:fs';
import { helmYaml, Refused } from './helm.mjs';

const INSTALLED = '.github/primitive/installed.json';
const UPDATE = 'Run: primitive gitops init --update';

/** Throws for a policy that is missing, was changed, or holds other keys and roots than the repository has. */
export async function refuseAdmission({ parts, lanes, sources = [], admission }) {
  if (!parts.includes('admission')) return;
  const { files } = JSON.parse(readFileSync(INSTALLED, 'utf8'));
  const names = [...lanes.map(({ name }) => name), ...(parts.includes('previews') ? ['previews'] : [])];
  const held = new Set();
  for (const name of names) {
    const path = `argocd/admission/${name}/policy.yaml`;
    const text = existsSync(path) ? readFileSync(path, 'utf8').replaceAll('\r\n', '\n') : undefined;
    if (text === undefined) throw new Refused(`${path} is missing. ${UPDATE}`);
    if (text !== files[path])
      throw new Refused(`${path} is not as it was made: change kit.yaml in its place. ${UPDATE}`);
    const { spec } = await helmYaml(text);
    for (const { cosign } of spec.attestors) {
      held.add(cosign.key?.data);
      held.add(cosign.trustedRoot?.value);
      held.add(Buffer.from(cosign.tuf?.root?.data ?? '', 'base64').toString());
    }
  }
  const signers = sources.flatMap(({ trusted, accepted = [] }) => [
    ...trusted,
    ...(lanes.some((lane) => lane.signers === 'accepted') || parts.includes('previews') ? accepted : []),
  ]);
  const keyless = signers.some(({ key }) => key === undefined);
  const inputs = [
    ...signers.flatMap(({ key }) => key ?? []),
    ...(keyless ? sources.flatMap(({ trustedRoot }) => trustedRoot ?? []) : []),
    ...(keyless ? [admission?.tuf?.root ?? []].flat() : []),
  ];
  for (const path of inputs) {
    if (!existsSync(path) || !held.has(readFileSync(path, 'utf8')))
      throw new Refused(`${path} has changed since the policies of admission were made. ${UPDATE}`);
  }
}
