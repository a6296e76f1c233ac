import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Test files that take more than half a minute, the longest first. */
const LONGEST = [
  'test/e2e/node/node.test.ts',
  'test/integration/gitops/cluster.test.ts',
  'test/e2e/verify.test.ts',
  'test/e2e/journey/journey.test.ts',
  'test/e2e/journey/second-year.test.ts',
  'test/integration/gitops/scaffold.test.ts',
  'test/integration/kinds/python-ts-kinds.test.ts',
  'test/integration/publish/baselines.test.ts',
  'test/e2e/publish/registries.test.ts',
  'test/integration/gitops/moves.test.ts',
  'test/integration/publish/refusals.test.ts',
  'test/e2e/publish/interruptions.test.ts',
  'test/contract/builder.test.ts',
  'test/e2e/plugins.test.ts',
  'test/e2e/programs.test.ts',
  'test/integration/publish/doctor.test.ts',
  'test/integration/kinds/go-kinds-outages.test.ts',
  'test/integration/gitops/admission.test.ts',
  'test/integration/gitops/workflows.test.ts',
  'test/integration/patterns.test.ts',
  'test/integration/gitops/dispatch.test.ts',
  'test/integration/publish/faults.test.ts',
  'test/integration/gitops/charts.test.ts',
  'test/e2e/gitops-scaffold.test.ts',
  'test/e2e/publish/outputs.test.ts',
  'test/integration/seal/oracle.test.ts',
  'test/e2e/plugins-at-work.test.ts',
  'test/integration/kinds/go-kinds.test.ts',
  'test/integration/kinds/broker.test.ts',
  'test/integration/oci/faults.test.ts',
  'test/e2e/cli.test.ts',
  'test/integration/init/workflow.test.ts',
  'test/integration/init/update-workflow.test.ts',
  'test/integration/services/kube-node.test.ts',
  'test/integration/publish/promises.test.ts',
  'test/integration/scaffold/update.test.ts',
  'test/e2e/publish/registry-trouble.test.ts',
  'test/integration/publish/clones.test.ts',
  'test/integration/services/buildkit.test.ts',
];

/**
 * Starts the longest test files first, so that at the end no processor waits for one that began late; and last those that
 * share what they load, because a worker keeps it only from one such file to the next.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      const at = LONGEST.findIndex((file) => moduleId.endsWith(`/${file}`));
      if (at >= 0) return at;
      return project.config.isolate ? LONGEST.length : LONGEST.length + 1;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
