import { afterAll, beforeAll, describe } from 'vitest';
import { type GitopsCluster, startGitopsCluster } from '../../support/gitops-cluster.ts';
import { components } from './cluster-components.ts';
import { customResources } from './cluster-custom-resources.ts';
import { janitor } from './cluster-janitor.ts';
import { lanes } from './cluster-lanes.ts';
import { manifests } from './cluster-manifests.ts';
import { operations } from './cluster-operations.ts';
import { previews } from './cluster-previews.ts';
import { second } from './cluster-second.ts';

/** One control plane for all of these: starting it takes longer than most tests. */
let lab: GitopsCluster;
beforeAll(async () => {
  lab = await startGitopsCluster();
});
afterAll(() => lab?.stop());

describe('custom resources', () => customResources(() => lab));
describe('manifests of the kit', () => manifests(() => lab));
describe('janitor', () => janitor(() => lab));
describe('previews', () => previews(() => lab));
describe('components', () => components(() => lab));
describe('lanes', () => lanes(() => lab));
// Its last test removes a lane.
describe('operations', () => operations(() => lab));
describe('a second cluster', () => second(() => lab));
