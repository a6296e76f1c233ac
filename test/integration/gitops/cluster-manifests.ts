import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { eventually, type GitopsCluster } from '../../support/gitops-cluster.ts';
import { APPLY, type Kube } from '../../support/services/kube.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** What the check of the kit says of a cluster: the names that are taken. */
export async function takenNames(
  { kubeconfig }: Pick<Kube, 'kubeconfig'>,
  folder: string,
  kitJson: string,
  more: (kit: { lanes: { name: string; namespace: string }[] }) => void = () => {},
) {
  const root = await mkdtemp(join(folder, 'names-'));
  await mkdir(join(root, '.github/primitive'), { recursive: true });
  const settings = JSON.parse(kitJson);
  more(settings.kit);
  await writeFile(join(root, '.github/primitive/kit.json'), JSON.stringify(settings));
  const script = join(folder, '.github/primitive/cluster.mjs');
  const { code, stdout, stderr } = await attempt(process.execPath, [script], {
    cwd: root,
    env: { KUBECONFIG: kubeconfig, PATH: `${dirname(tool('kubectl'))}:${process.env.PATH}` },
  });
  expect(stderr).toBe('');
  return { code, taken: [...stdout.matchAll(/^taken {2}(.*)$/gm)].map(([, name]) => name) };
}

const ARGOCD = /^argocd\/((projects|applicationsets)\/)?[^/]+\.yaml$/;

/** The API server takes what the kit has for Argo CD and the janitor, and refuses what is wrong. */
export function manifests(lab: () => GitopsCluster): void {
  it('are accepted as they are', async () => {
    const manifests = [...lab().files].filter(([path]) => ARGOCD.test(path)).map(([, text]) => text);
    expect(manifests.length).toBe(9);
    await lab().kube.kubectl([...APPLY, '--dry-run=server'], manifests.join('\n---\n'));
    const charts = [
      ['janitor'],
      ['lane-namespace', '--set=isolation=enforce'],
      ['preview-namespace', '--set-string=pullRequest=7'],
    ] as const;
    for (const [chart, ...values] of charts) {
      const args = ['template', chart, join(lab().folder, 'argocd', chart), ...values];
      await lab().kube.kubectl([...APPLY, '--dry-run=server'], await run(tool('helm'), args));
    }
  });

  it('let the API server ask nobody about changes that leave images alone', async () => {
    const { kube } = lab();
    const { spec } = parse(lab().installed('argocd/admission/dev/policy.yaml'));
    const name = 'judged';
    const apply = (apiVersion: string, kind: string, more: object = {}) =>
      kube.apply(JSON.stringify({ apiVersion, kind, metadata: { name, namespace: name }, ...more }));
    const template = (image: string) => ({
      metadata: { labels: { name } },
      spec: { restartPolicy: 'Always', containers: [{ name: 'a', image }] },
    });
    const deployment = (image: string, replicas: number) => {
      const selector = { matchLabels: { name } };
      return apply('apps/v1', 'Deployment', { spec: { replicas, selector, template: template(image) } });
    };
    const cronJob = (image: string, schedule: string) => {
      const pods = { spec: { ...template(image).spec, restartPolicy: 'Never' } };
      return apply('batch/v1', 'CronJob', { spec: { schedule, jobTemplate: { spec: { template: pods } } } });
    };
    await kube.kubectl(['create', 'namespace', name]);
    await deployment('a', 1);
    await cronJob('a', '1 0 * * *');
    await apply('v1', 'Pod', { spec: template('a').spec });
    // As Kyverno makes it of the policy; nobody answers.
    const webhook = {
      name: 'judged.acme.example',
      clientConfig: { url: 'https://127.0.0.1:1/' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
      rules: spec.matchConstraints.resourceRules,
      matchConditions: spec.matchConditions,
    };
    const webhooks = ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'] as const;
    await kube.apply(
      JSON.stringify({ apiVersion: webhooks[0], kind: webhooks[1], metadata: { name }, webhooks: [webhook] }),
    );
    const asks = /failed calling webhook "judged[.]acme[.]example"/;
    await eventually(() => expect(deployment('b', 1)).rejects.toThrow(asks));
    await expect(cronJob('b', '1 0 * * *')).rejects.toThrow(asks);
    const debug = await kube.attempt(['debug', name, '-n', name, '--image=b', '--profile=general']);
    expect(debug.stderr).toMatch(asks);
    await deployment('a', 2);
    await cronJob('a', '2 0 * * *');
    await kube.kubectl(['annotate', 'pod', name, '-n', name, 'touched=now']);
    await kube.kubectl(['delete', 'validatingwebhookconfiguration', name]);
    await kube.kubectl(['delete', 'namespace', name, '--wait=false']);
  });

  it('take nothing over: names that others have are found before they are applied', async () => {
    const { kube, files, folder } = lab();
    const names = (more: (kit: { lanes: { name: string; namespace: string }[] }) => void = () => {}) =>
      takenNames(kube, folder, files.get('.github/primitive/kit.json') ?? '', more);
    expect(await names()).toEqual({ code: 0, taken: [] });
    const argo = (kind: string, name: string, spec: object) =>
      JSON.stringify({
        apiVersion: 'argoproj.io/v1alpha1',
        kind,
        metadata: { name, namespace: 'argocd' },
        spec,
      });
    const source = { repoURL: 'https://github.com/acme/other.git', path: '.' };
    const destination = { server: 'https://kubernetes.default.svc', namespace: 'x' };
    const theirs = [
      argo('AppProject', 'acme-dev', {}),
      argo('AppProject', 'dev', {}),
      argo('ApplicationSet', 'acme-components-dev', {
        generators: [{ list: { elements: [] } }],
        template: { metadata: { name: 'x' }, spec: { project: 'dev', source, destination } },
      }),
      argo('Application', 'dev-shop', { project: 'dev', source, destination }),
      argo('Application', 'acme-kit', { project: 'dev', source, destination }),
    ];
    await kube.apply(theirs.join('\n---\n'));
    const found = await names(({ lanes }) => {
      if (lanes[1]) lanes[1].namespace = 'default';
    });
    expect(found).toEqual({
      code: 1,
      taken: [
        'AppProject acme-dev in argocd',
        'ApplicationSet acme-components-dev in argocd',
        'Application acme-kit in argocd',
        'Application dev-shop in argocd',
        'Namespace default',
      ],
    });
    await kube.kubectl(['delete', '-f', '-'], theirs.join('\n---\n'));
    expect(await names()).toEqual({ code: 0, taken: [] });
  });

  it.each<[string, string, string, string, string]>([
    [
      'an ApplicationSet with a misspelt field',
      'argocd/applicationsets/preview-components.yaml',
      'goTemplateOptions:',
      'goTemplateOption:',
      'field not declared in schema',
    ],
    [
      'an ApplicationSet without a template',
      'argocd/applicationsets/lane-dev.yaml',
      '  template:',
      '  templates:',
      'template',
    ],
    [
      'an ApplicationSet whose poll is no number',
      'argocd/applicationsets/preview-namespaces.yaml',
      'requeueAfterSeconds: 300',
      'requeueAfterSeconds: often',
      'expected numeric',
    ],
    [
      'a project without destinations as a list',
      'argocd/projects/previews.yaml',
      '  destinations:\n    - server',
      '  destinations:\n      server',
      'destinations',
    ],
    [
      'a policy whose expression is none',
      'argocd/janitor/templates/policy.yaml',
      'request.userInfo.username ==',
      'request.userInfo.user ==',
      "undefined field 'user'",
    ],
  ])('rejects %s', async (_, path, from, to, message) => {
    const text = lab().installed(path);
    expect(text).toContain(from);
    const wrong = text.replace(from, to);
    const { code, stderr } = await lab().kube.attempt([...APPLY, '--dry-run=server'], wrong);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
}
