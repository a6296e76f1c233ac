import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { GitopsCluster } from '../../support/gitops-cluster.ts';
import { APPLY } from '../../support/services/kube.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const ARGOCD = /^argocd\/((projects|applicationsets)\/)?[^/]+\.yaml$/;

/** The API server takes what the kit has for Argo CD and the janitor, and refuses what is wrong. */
export function manifests(lab: () => GitopsCluster): void {
  it('are accepted as they are', async () => {
    const manifests = [...lab().files].filter(([path]) => ARGOCD.test(path)).map(([, text]) => text);
    expect(manifests.length).toBe(7);
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
