import type { Ingress } from '../../ports/clusters.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { optionalText, textListIn } from './json-values.ts';

/** Before `spec.ingressClassName` existed; some controllers still read only this. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/** Maps an `Ingress` that has a name. */
export function toIngress(item: JsonObject): Ingress {
  const metadata = asObject(item['metadata']);
  const spec = asObject(item['spec']);
  const inSpec = optionalText('className', spec, 'ingressClassName');
  return {
    namespace: textIn(metadata, 'namespace') ?? '',
    name: textIn(metadata, 'name') ?? '',
    ...(inSpec.className === undefined
      ? optionalText('className', asObject(metadata['annotations']), CLASS_ANNOTATION)
      : inSpec),
    tls: listIn(spec, 'tls').map((one) => ({
      hosts: textListIn(one, 'hosts'),
      ...optionalText('secret', one, 'secretName'),
    })),
  };
}
