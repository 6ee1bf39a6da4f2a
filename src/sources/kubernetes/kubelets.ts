import type { KubeletAddress, KubeletConfig, KubeletStats } from '../../ports/clusters.ts';
import { SourceError } from '../../ports/source-error.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import type { KubernetesConfig } from './config.ts';
import type { ClusterAnswer, ClusterConnection } from './connection.ts';
import { errorOfAnswer, objectIn } from './explain-answer.ts';
import { type Malformed, toKubeletConfig } from './kubelet-config.ts';
import { toKubeletStats } from './kubelet-stats.ts';
import { requireName } from './object-name.ts';
import { accessRules } from './permissions.ts';

type Asking = readonly [KubernetesConfig, ClusterConnection];

/**
 * The stats of a node.
 * @throws {SourceError} `malformed` if they are of another node, which may have taken over the address.
 */
export async function readKubeletStats(
  asking: Asking,
  node: KubeletAddress,
  signal: AbortSignal,
): Promise<KubeletStats> {
  return parse(await ask(asking, 'kubeletStats', node, signal), (body, malformed) => {
    // Two nodes may report the same address, or a load balancer may be in front of several.
    const answering = textIn(asObject(body['node']), 'nodeName') ?? '';
    if (answering !== '' && answering.toLowerCase() !== node.name.toLowerCase())
      throw malformed(`it describes the node ${printable(answering)}`);
    return toKubeletStats(body, malformed);
  });
}

/** @throws {SourceError} */
export async function readKubeletConfig(
  asking: Asking,
  node: KubeletAddress,
  signal: AbortSignal,
): Promise<KubeletConfig> {
  return parse(await ask(asking, 'kubeletConfig', node, signal), toKubeletConfig);
}

const PATHS = { kubeletStats: '/stats/summary', kubeletConfig: '/configz' } as const;

async function ask(
  [config, connection]: Asking,
  method: keyof typeof PATHS,
  node: KubeletAddress,
  signal: AbortSignal,
): Promise<ClusterAnswer> {
  const { kubelets, name: source } = config;
  const [rule] = accessRules(method, kubelets);
  if (kubelets === 'none' || !rule)
    throw new SourceError(
      source,
      'refused',
      'kubelets are not queried: set `kubelets` to `direct` or `proxy`',
    );
  const path = PATHS[method];
  const what = `the kubelet of ${printable(node.name)}`;
  if (kubelets === 'direct') return connection.sendToKubelet({ node, path, rule, what, signal });
  requireName(source, 'node name', node.name);
  return connection.send({
    make: async ({ core }) => {
      const request = await core.connectGetNodeProxyWithPath(node.name, path.slice(1));
      // The client encodes the slash in the path, which some load balancers reject.
      request.setUrl(request.getUrl().replace('%2F', '/'));
      return request;
    },
    rule,
    what,
    signal,
  });
}

function parse<T>({ answer, context }: ClusterAnswer, map: (body: JsonObject, malformed: Malformed) => T): T {
  if (answer.status !== 200) throw errorOfAnswer(context, answer);
  const { source, what } = context;
  return map(
    objectIn(context, answer),
    (because) => new SourceError(source, 'malformed', `${what} returned unusable data: ${because}`),
  );
}
