import { type JsonObject, textIn } from '../../wire/json-object.ts';
import { optionalText } from './json-values.ts';

/** What created an object and maintains it. */
export function toOwner(reference: JsonObject): {
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
} {
  return {
    kind: textIn(reference, 'kind') ?? '',
    name: textIn(reference, 'name') ?? '',
    ...optionalText('uid', reference),
  };
}
