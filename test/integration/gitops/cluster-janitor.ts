import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import {
  eventually,
  type GitopsCluster,
  GROUP,
  janitorCommand,
  janitorEnvironment,
  type KubeObject,
  runJanitor,
} from '../../support/gitops-cluster.ts';
import { startKubeProxy } from '../../support/services/kube-proxy.ts';
import { attempt } from '../../support/services/run.ts';

/** The janitor deletes the namespaces that it is for, and no other, also when it is raced or killed. */
export function janitor(lab: () => GitopsCluster): void {
  const clean = (...more: readonly string[]) => runJanitor(lab(), ...more);

  const preview = (number: number, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: `pr-${number}-acme`,
      labels: {
        'app.kubernetes.io/managed-by': 'primitive-previews',
        [`${GROUP}/pull-request`]: `${number}`,
      },
      ...more,
    },
  });
  const application = (name: string, namespace: string, inNamespace = 'argocd') => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name, namespace: inNamespace },
    spec: {
      project: 'previews',
      source: { repoURL: 'https://git.example/acme/gitops.git', path: '.' },
      destination: { server: 'https://kubernetes.default.svc', namespace },
    },
  });
  const apply = (...objects: readonly object[]) =>
    lab().kube.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  /** Names of the namespaces that were not deleted; those that were are `Terminating`, since nothing ends them here. */
  const alive = async () =>
    (await lab().kube.get<KubeObject>('api/v1/namespaces'))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);

  it('deletes namespaces of previews that no Application uses, and nothing else', async () => {
    const kept = [
      { ...preview(2) },
      preview(3),
      preview(4),
      // Neither the name nor the labels alone make a preview.
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'pr-10-acme' } },
      { ...preview(11), metadata: { ...preview(11).metadata, name: 'production' } },
      { ...preview(12), metadata: { ...preview(12).metadata, name: 'pr-13-acme' } },
      { ...preview(14), metadata: { ...preview(14).metadata, name: 'pr-14-other' } },
      preview(15, { labels: { [`${GROUP}/pull-request`]: '15' } }),
      preview(16, {
        labels: { 'app.kubernetes.io/managed-by': 'primitive-previews', 'other.example/pull-request': '16' },
      }),
    ];
    await apply(preview(1), ...kept, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await apply(
      application('pr-2', 'pr-2-acme'),
      // In a namespace of its own, and with resources where its destination is not.
      application('any', 'pr-3-acme', 'team'),
      application('elsewhere', 'team'),
    );
    const resources = [
      { group: 'apps', kind: 'Deployment', namespace: 'pr-4-acme', name: 'x', version: 'v1' },
    ];
    await lab().kube.kubectl([
      ...['patch', 'application', 'elsewhere', '--namespace=argocd', '--type=merge', '-p'],
      JSON.stringify({ status: { resources } }),
    ]);
    const before = await alive();

    expect(await clean('--dry-run')).toMatchObject({ code: 0, stderr: '' });
    expect((await clean('--dry-run')).stdout).toContain('pr-1-acme marked: unused');
    const marks = (await lab().kube.get<KubeObject>('api/v1/namespaces')).filter(({ metadata }) =>
      /^pr-[12]-acme$/.test(metadata.name),
    );
    expect(marks.map(({ metadata }) => Object.keys(metadata.annotations ?? {}))).toEqual([[], []]);

    expect((await clean()).stdout).toBe(
      [
        'pr-1-acme marked: unused, to be deleted after 0 s',
        'pr-2-acme kept: argocd/pr-2 uses it',
        'pr-3-acme kept: team/any uses it',
        'pr-4-acme kept: argocd/elsewhere uses it',
        '',
      ].join('\n'),
    );
    expect(await alive()).toEqual(before);
    expect((await clean('--dry-run')).stdout).toContain('pr-1-acme would be deleted');
    expect(await alive()).toEqual(before);
    expect((await clean('--grace-seconds=3600')).stdout).toContain('pr-1-acme kept: unused since');
    expect(await alive()).toEqual(before);

    const last = await clean();
    expect(last).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^pr-1-acme deleted: unused since/),
    });
    expect(await alive()).toEqual(before.filter((name) => name !== 'pr-1-acme'));
    expect((await clean()).stdout).not.toContain('pr-1-acme');
  });

  it('lets a preview live that is used again within the grace period', async () => {
    await apply(preview(20));
    await clean();
    await apply(application('pr-20', 'pr-20-acme'));
    expect((await clean()).stdout).toContain('pr-20-acme kept: argocd/pr-20 uses it');
    await lab().kube.kubectl(['delete', 'application', 'pr-20', '--namespace=argocd']);
    // It was unmarked: the period begins anew.
    expect((await clean()).stdout).toContain('pr-20-acme marked: unused');
    expect(await alive()).toContain('pr-20-acme');
  });

  it('deletes nothing when it cannot read all Applications', async () => {
    await apply(preview(30));
    await clean();
    const role = ['clusterrole', 'preview-janitor'];
    const rules = (json: string) => lab().kube.kubectl(['patch', ...role, '--type=json', '-p', json]);
    /** Roles take effect a moment later. */
    const listing = (answer: string) =>
      eventually(async () => {
        const who = '--as=system:serviceaccount:argocd:preview-janitor';
        const asked = ['auth', 'can-i', 'list', 'applications.argoproj.io', '--all-namespaces', who];
        expect((await lab().kube.attempt(asked)).stdout.trim()).toBe(answer);
      });
    await rules('[{"op":"replace","path":"/rules/1/verbs","value":["get"]}]');
    await listing('no');
    const { code, stderr } = await clean();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Cannot clean up previews: GET \/apis\/argoproj.io\/v1alpha1\/applications: 403/);
    expect(await alive()).toContain('pr-30-acme');
    await rules('[{"op":"replace","path":"/rules/1/verbs","value":["list"]}]');
    await listing('yes');
  });

  const applications = 'GET /apis/argoproj.io/v1alpha1/applications';
  it.each<[string, number, 'before' | 'after', () => Promise<unknown>, string]>([
    [
      'is used again',
      40,
      'before',
      () => apply(application('pr-40', 'pr-40-acme')),
      'kept: argocd/pr-40 uses it',
    ],
    [
      'was changed',
      41,
      'after',
      () => lab().kube.kubectl(['annotate', '--overwrite', 'namespace', 'pr-41-acme', 'x=y']),
      'kept: it changed meanwhile',
    ],
    [
      'is no preview any more',
      42,
      'after',
      () => lab().kube.kubectl(['label', 'namespace', 'pr-42-acme', 'app.kubernetes.io/managed-by-']),
      'kept: it changed meanwhile',
    ],
  ])('keeps a namespace that %s after it was read', async (_, number, when, change, outcome) => {
    const name = `pr-${number}-acme`;
    await apply(preview(number));
    expect((await clean()).stdout).toContain(`${name} marked`);
    let read = false;
    const meanwhile = async (request: string) => {
      read ||= request === `GET /api/v1/namespaces/${name}`;
      if (!read || request !== applications) return;
      read = false;
      await change();
    };
    await using proxy = await startKubeProxy(lab().kube, { [when]: meanwhile });
    const { stdout } = await attempt(process.execPath, janitorCommand(lab()), {
      env: janitorEnvironment(lab(), proxy),
    });
    expect(stdout).toContain(`${name} ${outcome}`);
    expect(await alive()).toContain(name);
  });

  it('can be killed at any request, and the next run ends what it began', async () => {
    // What other tests left would only be more requests.
    await lab().kube.kubectl(['delete', 'applications', '--all', '--all-namespaces']);
    for (let run = 0; run < 2; run++) await clean();
    const used = 'pr-600-acme';
    await apply(preview(600), application('pr-600', used));
    let requests = 0;
    // Until the run is over before the request that it would be killed at.
    for (let last = 1; requests >= last - 1; last++) {
      const unused = `pr-${600 + last}-acme`;
      await apply(preview(600 + last));
      await clean();
      const others = (await alive()).filter((name) => !name.startsWith('pr-'));
      requests = 0;
      let child: ChildProcess | undefined;
      await using proxy = await startKubeProxy(lab().kube, {
        after: async () => {
          requests += 1;
          if (requests === last) child?.kill('SIGKILL');
        },
      });
      const env = { ...process.env, ...janitorEnvironment(lab(), proxy) };
      child = spawn(process.execPath, janitorCommand(lab()), { env, stdio: 'ignore' });
      await once(child, 'close');
      expect(await alive()).toEqual(expect.arrayContaining([...others, used]));
      expect((await clean()).code).toBe(0);
      const left = await alive();
      expect(left).toEqual(expect.arrayContaining([...others, used]));
      expect(left).not.toContain(unused);
    }
    // The list; of both namespaces each itself and the Applications; and the end of one.
    expect(requests).toBe(6);
  });

  it('is refused by the API server when it would do anything else', async () => {
    const token = (
      await lab().kube.kubectl(['create', 'token', 'preview-janitor', '--namespace=argocd'])
    ).trim();
    const janitor = (...args: readonly string[]) => lab().kube.attempt([...args, `--token=${token}`]);
    await apply(preview(50), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'important' } });
    for (const args of [
      ['delete', 'namespace', 'important'],
      ['delete', 'namespace', 'argocd'],
      ['annotate', 'namespace', 'important', 'a=b'],
      ['label', 'namespace', 'pr-50-acme', 'a=b'],
      ['get', 'secrets', '--all-namespaces'],
      ['delete', 'applications', '--all', '--namespace=argocd'],
    ]) {
      expect(await janitor(...args)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/denied|forbidden/i),
      });
    }
  });
}
