import type { FieldManager, ProbeField } from '../../ports/clusters.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

const PROBES = { 'f:livenessProbe': 'liveness', 'f:startupProbe': 'startup' } as const;
const FIELDS = ['failureThreshold', 'timeoutSeconds'] as const;

/**
 * Who set the limits of probes in the template of a workload, as `managedFields` records it:
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function fieldManagersIn(metadata: JsonObject): readonly FieldManager[] {
  return listIn(metadata, 'managedFields').flatMap(({ manager, operation, fieldsV1 }) => {
    if (typeof manager !== 'string' || manager === '') return [];
    const pod = inField(inField(inField(asObject(fieldsV1), 'f:spec'), 'f:template'), 'f:spec');
    const fields = ['f:initContainers', 'f:containers'].flatMap((list) => probeFieldsIn(inField(pod, list)));
    return fields.map((field) => ({
      ...field,
      manager: printable(manager),
      operation: operation === 'Apply' ? ('Apply' as const) : ('Update' as const),
    }));
  });
}

function inField(fields: JsonObject, name: string): JsonObject {
  return asObject(fields[name]);
}

function probeFieldsIn(containers: JsonObject): readonly ProbeField[] {
  return Object.entries(containers).flatMap(([key, fields]) => {
    // `k:{"name":"app"}`
    const container = key.startsWith('k:') ? textIn(asObject(parseJson(key.slice(2))), 'name') : undefined;
    if (container === undefined) return [];
    return Object.entries(PROBES).flatMap(([name, probe]) => {
      const owned = inField(asObject(fields), name);
      return FIELDS.filter((field) => Object.hasOwn(owned, `f:${field}`)).map((field) => ({
        container,
        probe,
        field,
      }));
    });
  });
}
