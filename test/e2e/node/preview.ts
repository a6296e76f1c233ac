import type { KubeObject } from '../../support/gitops-cluster.ts';
import type { DoublePull } from '../../support/services/github/repository.ts';
import { run } from '../../support/services/run.ts';
import { refresh } from './lane.ts';
import { componentOf, type NodeWorld } from './world.ts';

const DOMAIN = componentOf('domain');

/** Values of the domain in previews: its database and its token are those that each preview has of its own. */
const OWN = { secret: 'preview', key: 'token' };
const VALUES = {
  env: { EVENTS_URL: `http://${componentOf('projection')}:8080/v1/events` },
  files: { ACCEPT_CALLERS: OWN, SERVICE_TOKEN_FILE: OWN },
};

/** Opens a labelled pull request whose head is the commit that was published; the domain has values for previews. */
export async function openPull(world: NodeWorld): Promise<DoublePull> {
  const { gitops, app, code, kube, tls } = world;
  await gitops.commit({ [`sources/values/env/preview/apps/${DOMAIN}.yaml`]: JSON.stringify(VALUES) });
  const { web } = gitops.github;
  const url = `${web.replace('//', `//git:${gitops.github.token().value}@`)}/${code.name}.git`;
  await run('git', ['-C', app.repo.root, 'push', '--quiet', url, 'HEAD:refs/heads/feature'], {
    env: { GIT_SSL_CAINFO: tls.caFile },
  });
  const pull = code.open('feature', { labels: ['preview'] });
  await refresh(kube);
  return pull;
}

/** Closes it, or opens it again, and lets Argo CD look at once. */
export async function setPull(
  { kube }: NodeWorld,
  pull: DoublePull,
  state: 'open' | 'closed',
): Promise<void> {
  pull.state = state;
  pull.closed = state === 'closed' ? new Date().toISOString() : null;
  await refresh(kube);
}

/** The namespace of a preview; undefined where there is none. */
export async function namespaceOf(
  { kube }: NodeWorld,
  { number }: DoublePull,
): Promise<KubeObject | undefined> {
  const all = await kube.get<KubeObject>('api/v1/namespaces');
  return all.find(({ metadata }) => metadata.name === `pr-${number}-acme`);
}
