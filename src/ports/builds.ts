import type { ReadOptions } from './read-options.ts';

/** Services whose replicas say which build they run. */
export interface Builds {
  /** The source's name in the configuration: `builds`. */
  readonly name: string;
  /** As configured, without a request. Their names are unique in the source. */
  readonly services: readonly BuildService[];
  /**
   * Asks one replica which build it runs, directly and without following redirects.
   * @throws {SourceError} `refused` if its host isn't allowed by the configuration; `unreachable` if it can't be reached or doesn't answer in time;
   * `malformed` if it doesn't answer in HTTP.
   */
  readonly ask: (replica: ReplicaQuery) => Promise<BuildAnswer>;
}

/** A service, and how its replicas are found and asked. */
export interface BuildService {
  /** As people name it: `shop/api`, `quote`. */
  readonly name: string;
  /** Where its replicas are found. */
  readonly replicas: ReplicaLocation;
  /** Where a replica's answer has the build. */
  readonly build: BuildLocation;
  /** Where the expected build is, if not in an argument. `image-tag`: in the tag of the image in the workload's template. */
  readonly expected?:
    | { readonly kind: 'annotation' | 'label'; readonly name: string }
    | { readonly kind: 'image-tag' };
  /** The main container, whose image is compared. Absent: the only one, or the one with the port that is asked. */
  readonly container?: string;
}

export type ReplicaLocation =
  /** The pods behind a Service of Kubernetes. `cluster` is a source; absent: the only one. */
  | {
      readonly kind: 'kubernetes';
      readonly cluster?: string;
      readonly namespace: string;
      readonly service: string;
      /** The name or number of the port of its pods. Absent: the only one. */
      readonly port?: string | number;
    }
  /** Containers with a name and labels, on every engine of a source. `engines` is a source; absent: all. */
  | {
      readonly kind: 'containers';
      readonly engines?: string;
      readonly name?: string;
      readonly labels?: Readonly<Record<string, string>>;
      /** The port in the container. */
      readonly port: number;
    }
  /** The tasks of a Swarm service. `engines` is a source; absent: all, of which one must manage the Swarm. */
  | { readonly kind: 'swarm'; readonly engines?: string; readonly service: string; readonly port: number }
  /** Complete addresses: `http://host-1:3000`. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] };

export type BuildLocation =
  /** The shape is recognized: Spring Boot's `info`, Mozilla's `__version__`, ASP.NET's `buildNumber`, or a build as text. */
  | { readonly kind: 'auto' }
  /** A JSON pointer: `/meta/build`, https://www.rfc-editor.org/rfc/rfc6901. */
  | { readonly kind: 'pointer'; readonly pointer: string }
  | { readonly kind: 'header'; readonly header: string }
  /** The whole body, trimmed. */
  | { readonly kind: 'text' };

export interface ReplicaQuery extends ReadOptions {
  /** The name of the service, whose path, scheme and headers are used. */
  readonly service: string;
  /** A host name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** What a replica answered. */
export interface BuildAnswer {
  /** `http://10.244.1.1:8080/diagnostics`. */
  readonly url: string;
  readonly status: number;
  /** Without parameters, in lower case: `application/json`. */
  readonly contentType?: string;
  /** The value of the configured header; values of a repeated one are joined by `, `. */
  readonly header?: string;
  /** Absent if it is larger than the limit, when `isTooLarge` is set, or if it is compressed or not UTF-8. */
  readonly body?: string;
  readonly isTooLarge?: true;
}
