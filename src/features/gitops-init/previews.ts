import { codeRepositoriesOf } from '../../gitops/code-repositories.ts';
import { postgresOf } from '../../gitops/kit.ts';
import type { Kit } from '../../gitops/kit-document.ts';

/** Values for the templates of previews: the settings with their defaults. */
export function previewsOf(kit: Kit & { readonly previews: NonNullable<Kit['previews']> }) {
  const { previews, organisation } = kit;
  const { app = '', api = '', secrets = [], quota, url } = previews;
  return {
    ...previews,
    // For an App Argo CD takes the address as it is; a webhook wakes no ApplicationSet whose address has a path.
    api: app !== '' && api !== '' ? `${api}api/v3/` : api,
    namespaces: `pr-*-${organisation}`,
    // Both generators of GitHub have the same credential.
    credential:
      app === '' ? 'tokenRef: { secretName: preview-github-token, key: token }' : `appSecretName: ${app}`,
    postgres: postgresOf(kit).image,
    quota: { pods: 100, cpu: 8, memory: '16Gi', ...quota },
    stored: secrets.flatMap(({ name, store, pull = false }) =>
      store === undefined ? [] : [{ name, store, pull }],
    ),
    pullSecretList: secrets
      .filter(({ pull }) => pull)
      .map(({ name }) => name)
      .join(', '),
    hasUrl: url !== undefined,
    hasGateway: url?.gateway !== undefined,
    url: {
      domain: '',
      class: '',
      ...url,
      gateway: { name: '', namespace: '', ...url?.gateway },
      kindList: (url?.kinds ?? ['uisurface']).join(', '),
    },
  };
}

/**
 * The code repositories that have previews. The first one has no name: its previews are called by the number of the pull
 * request alone. Names with a dot are of no component, so those of two repositories differ.
 */
export function pullsOf(kit: Kit & { readonly previews: NonNullable<Kit['previews']> }) {
  const { previews, organisation, sources = [] } = kit;
  const { repository, base, others = [] } = previews;
  const all = [{ name: '', repository, base }, ...others];
  const code = codeRepositoriesOf(kit);
  const notFirst = code.slice(1).flatMap(({ names }) => names);
  return all.map(({ name: source, repository: full, base: branch = 'main' }) => {
    const [owner = '', name = ''] = full.split('/');
    const registry = sources.find((each) => each.repository === full)?.registry ?? kit.registry;
    const allowed = [`${registry}/`, postgresOf(kit).repository];
    return {
      source,
      isFirst: source === '',
      // Its components by `source`: of the first repository those without one, too.
      selected: selectedBy(
        source === '' ? notFirst : (code.find((one) => one.repository === full)?.names ?? []),
        source === '',
      ),
      owner,
      name,
      // Of the characters that a branch may have here, only the dot means something in a pattern.
      basePattern: branch.replaceAll('.', '[.]'),
      registry,
      suffix: source === '' ? '' : `-${source}`,
      application: source === '' ? 'pr-{{ .number }}' : `pr-{{ .number }}.${source}`,
      component: source === '' ? 'pr-{{ .number }}-{{ .name }}' : `pr-{{ .number }}.${source}.{{ .name }}`,
      namespace: ['pr-{{ .number }}', source, organisation].filter((part) => part !== '').join('-'),
      allowed,
      allowedList: allowed.join(', '),
    };
  });
}

/** A match expression on `source`: the names of other repositories for the first, its own for any other. */
function selectedBy(names: readonly string[], isFirst: boolean): string {
  if (names.length === 0) return '{ key: source, operator: DoesNotExist }';
  return `{ key: source, operator: ${isFirst ? 'NotIn' : 'In'}, values: [${names.join(', ')}] }`;
}
