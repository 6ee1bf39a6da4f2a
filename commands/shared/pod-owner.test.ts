import { expect, test } from 'vitest';
import { clusterPod } from './fixture-clusters.ts';
import { ownerOf } from './pod-owner.ts';

const replicaSet = { kind: 'ReplicaSet', name: 'web-6c5d' };
const job = (name: string) => ({ kind: 'Job', name });

test.each([
  ['Deployment web', { controller: replicaSet, labels: { 'pod-template-hash': '6c5d' } }],
  ['Rollout web', { controller: replicaSet, labels: { 'rollouts-pod-template-hash': '6c5d' } }],
  ['ReplicaSet web-6c5d', { controller: replicaSet }],
  ['ReplicaSet web-6c5d', { controller: replicaSet, labels: { 'pod-template-hash': '' } }],
  ['StatefulSet db', { controller: { kind: 'StatefulSet', name: 'db' } }],
  ['CronJob backup', { controller: job('backup-29401380') }],
  ['CronJob nightly-2', { controller: job('nightly-2-1605830400') }],
  ['Job migrate-7', { controller: job('migrate-7') }],
  ['Job 29401380', { controller: job('29401380') }],
  ['Pod x', {}],
  ['Static x', { isMirror: true, node: 'node-a', name: 'x-node-a' }],
])('the owner is %s', (owner, known) => {
  const { kind, name } = ownerOf(clusterPod('x', known));
  expect(`${kind} ${name}`).toBe(owner);
});
