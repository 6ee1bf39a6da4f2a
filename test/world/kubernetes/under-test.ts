import { KubeConfig } from '@kubernetes/client-node';
import { startCluster } from './api-server.ts';
import { kubelet } from './kubelets.ts';
import { configBody, nodeObject, podObject, statsBody } from './objects.ts';

export interface ClusterUnderTest {
  readonly config: KubeConfig;
  readonly close: () => Promise<void>;
}

/**
 * The clusters that the API tests run against: the one in this folder and, if WRENCH_TEST_KUBECONFIG is the path of a kubeconfig, the cluster of its
 * current context. There, the tests create and delete a namespace `wrench-test-...`; everything else is read-only or a dry run.
 */
export function clustersUnderTest(
  env: NodeJS.ProcessEnv = process.env,
): readonly (readonly [string, () => Promise<ClusterUnderTest>])[] {
  const { WRENCH_TEST_KUBECONFIG: path } = env;
  const real = async (): Promise<ClusterUnderTest> => {
    const config = new KubeConfig();
    config.loadFromFile(path!);
    return { config, close: () => Promise.resolve() };
  };
  return [['the cluster of the test world', startOwn], ...(path ? [['a real cluster', real] as const] : [])];
}

async function startOwn(): Promise<ClusterUnderTest> {
  const names = ['node-a', 'node-b'];
  const cluster = await startCluster({
    nodes: names.map((name) => nodeObject(name)),
    pods: names.map((node) => podObject(`kube-proxy-${node}`, { namespace: 'kube-system', node })),
    kubelets: (name) => kubelet({ stats: statsBody(name), config: configBody() }),
  });
  const config = new KubeConfig();
  config.loadFromString(cluster.kubeconfig());
  return { config, close: cluster.close };
}
