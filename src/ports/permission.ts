/** What the configuration of a source may allow: a key under its `allow`. */
export type Permission =
  | 'restart'
  | 'renew'
  | 'maintain'
  | 'cordon'
  | 'remove'
  | 'adjust'
  | 'disable'
  | 'rescue'
  | 'truncate'
  | 'archive'
  | 'purge'
  | 'pin'
  | 'propose';

/** Whether the configuration allows one kind of change. `Details` is what else it says about it. */
export type ConfiguredPermission<Details extends object = object> =
  | ({ readonly allowed: true } & Details)
  | { readonly allowed: false; readonly because: string };
