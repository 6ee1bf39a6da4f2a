import type { JsonObject } from '../../../wire/json-object.ts';
import type { CertificateOptions } from '../config.ts';
import type { ClusterConnection } from '../connection.ts';
import { listPages } from '../list-pages.ts';
import type { AccessRule } from '../permissions.ts';
import type { ReadOptions } from '../../../ports/read-options.ts';

/** What reading certificates in a cluster needs. */
export interface CertificateReading {
  /** The name of the source. */
  readonly source: string;
  readonly connection: ClusterConnection;
  readonly options: CertificateOptions;
}

/** Objects of an API group other than the core group and `apps`. */
export interface ObjectKind {
  readonly rule: Extract<AccessRule, { readonly resource: string }>;
  /** `Certificate`; its list is a `CertificateList`. */
  readonly kind: string;
  readonly pageSize?: number;
}

interface ObjectsIn<T> {
  readonly connection: ClusterConnection;
  /** Undefined: in all, or without namespaces. */
  readonly namespace?: string | undefined;
  readonly map: (item: JsonObject) => T | undefined;
  readonly options: ReadOptions;
}

/** The objects of one kind, in batches as {@link listPages} yields them. */
export function listObjects<T>(
  { rule, kind, pageSize }: ObjectKind,
  { connection, namespace, map, options }: ObjectsIn<T>,
): AsyncGenerator<readonly T[]> {
  const { group, resource } = rule;
  return listPages({
    connection,
    rule,
    items: resource,
    kind: `${kind}List`,
    ...(pageSize !== undefined && { pageSize }),
    make: ({ custom }, { limit, continueToken: token }) => {
      const rest = [undefined, undefined, token, undefined, undefined, limit] as const;
      return namespace === undefined
        ? custom.listClusterCustomObject(group, 'v1', resource, ...rest)
        : custom.listNamespacedCustomObject(group, 'v1', namespace, resource, ...rest);
    },
    map,
    ...options,
  });
}

/** The namespaces to read, each with its own requests; `undefined` for all at once. */
export function namespacesOf({ namespaces }: CertificateOptions): readonly (string | undefined)[] {
  return namespaces ? [...new Set(namespaces)] : [undefined];
}
