import type { ApiObject, Resource } from './resources.ts';
import { type ApiAnswer, badRequest } from './status.ts';

export type Matches = (object: ApiObject) => boolean;

/** A requirement of a selector: `=`, `!=`, `in`, `notin`, `exists`, `absent`. */
interface Requirement {
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'absent';
  readonly values: readonly string[];
}

/** The selectors of a list: undefined if there are none, or the error response if one is invalid. */
export function selectorOf(
  resource: Resource,
  query: URLSearchParams,
): { readonly matches?: Matches } | { readonly invalid: ApiAnswer } {
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  const wanted = parseRequirements(labels);
  if (!wanted)
    return { invalid: badRequest(`unable to parse requirement: found '${labels}', expected: an operator`) };
  const terms = parseTerms(fields);
  if (!terms) return { invalid: badRequest(`invalid selector: '${fields}'; can't understand '${fields}'`) };
  const unsupported = terms.find(({ key }) => !supports(resource, key));
  if (unsupported) return { invalid: badRequest(unsupportedLabel(resource, unsupported.key)) };
  if (wanted.length + terms.length === 0) return {};
  return {
    matches: (object) =>
      wanted.every((one) => holds(one, object.metadata?.labels?.[one.key])) &&
      terms.every(({ key, value, equal }) => (fieldOf(object, key) === value) === equal),
  };
}

function supports({ fieldLabels }: Resource, key: string): boolean {
  return (fieldLabels ?? ['metadata.name', 'metadata.namespace']).includes(key);
}

function unsupportedLabel({ fieldLabels }: Resource, key: string): string {
  return fieldLabels
    ? `field label not supported: ${key}`
    : `"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

function parseTerms(
  text: string,
): readonly { readonly key: string; readonly value: string; readonly equal: boolean }[] | undefined {
  const terms = text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => /^(?<key>[^=!]+)(?<operator>==?|!=)(?<value>[^=]*)$/.exec(term)?.groups);
  if (terms.includes(undefined)) return undefined;
  return terms.map((groups) => ({
    key: groups!['key']!,
    value: groups!['value']!,
    equal: groups!['operator'] !== '!=',
  }));
}

/** The `source` of an event is its component; an absent boolean is false. */
function fieldOf(object: ApiObject, key: string): string {
  const path = key === 'source' ? ['source', 'component'] : key.split('.');
  const found = path.reduce<unknown>(
    (at, name) => (at as Record<string, unknown> | undefined)?.[name],
    object,
  );
  if (key === 'spec.unschedulable' || key === 'spec.hostNetwork') return found === true ? 'true' : 'false';
  return typeof found === 'string' ? found : '';
}

function parseRequirements(text: string): readonly Requirement[] | undefined {
  const parts = text.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];
  const parsed = parts.map((part) => parseRequirement(part.trim()));
  return parsed.includes(undefined) ? undefined : (parsed as Requirement[]);
}

function parseRequirement(part: string): Requirement | undefined {
  const set = /^(?<key>\S+)\s+(?<operator>in|notin)\s*\((?<values>[^)]*)\)$/.exec(part)?.groups;
  if (set) {
    const values = set['values']!.split(',').map((value) => value.trim());
    return { key: set['key']!, operator: set['operator'] as 'in' | 'notin', values };
  }
  const equal = /^(?<key>[^\s=!]+)\s*(?<operator>==?|!=)\s*(?<value>[^\s=!]*)$/.exec(part)?.groups;
  if (equal) {
    const operator = equal['operator'] === '!=' ? 'notin' : 'in';
    return { key: equal['key']!, operator, values: [equal['value']!] };
  }
  const bare = /^(?<not>!?)\s*(?<key>[\w./-]+)$/.exec(part)?.groups;
  return bare && { key: bare['key']!, operator: bare['not'] ? 'absent' : 'exists', values: [] };
}

function holds({ operator, values }: Requirement, value: string | undefined): boolean {
  if (operator === 'exists') return value !== undefined;
  if (operator === 'absent') return value === undefined;
  return operator === 'in' ? value !== undefined && values.includes(value) : !values.includes(value ?? '\0');
}
