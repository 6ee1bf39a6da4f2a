/** What the configuration of a source may allow: a key under its `allow`. */
export type Permission = 'restart' | 'renew' | 'maintain' | 'cordon' | 'remove' | 'adjust';
