import { type Finding, wording } from '../../kit.ts';
import type { ComputeParams } from './compute-params.ts';
import type { CloudFacts, Facts, HostFacts } from './facts.ts';
import type { KnownService } from './known-service.ts';
import type { Survey } from './survey.ts';

export type ServicesOffer =
  | { readonly remediation: 'disable-compute'; readonly params: ComputeParams }
  | {
      readonly remediation: 'enable-compute';
      readonly params: ComputeParams & { readonly reason: string };
    };

export interface Problem {
  readonly finding: Finding<ServicesOffer>;
  /** Of a verdict, without its end: `3 of 41 computes are down`. Absent if it is worth no verdict. */
  readonly headline?: string;
}

/** One cloud, while its findings are made. */
export interface CloudView {
  readonly cloud: CloudFacts;
  readonly survey: Survey;
  readonly facts: Facts;
  readonly now: Date;
}

/** As findings name what is in a cloud. */
export function nameIn({ cloud, facts }: CloudView, name: string): string {
  return facts.hasSeveralClouds ? `${cloud.name}:${name}` : name;
}

/** The hosts of services, each once. */
export function hostsOf(services: readonly KnownService[]): readonly string[] {
  return [...new Set(services.map(({ host }) => host))].toSorted();
}

export function hostFactsOf({ facts }: CloudView, host: string): HostFacts | undefined {
  return facts.hosts.find((one) => one.host === host);
}

/** `2026-11-26 11:41 UTC, 18 minutes ago`. */
export function lastReport({ updatedAt }: KnownService, now: Date): string | undefined {
  return (
    updatedAt && `${wording.utcTime(updatedAt)}, ${wording.span(now.getTime() - updatedAt.getTime())} ago`
  );
}

/** `nova-conductor and nova-scheduler`. */
export function binariesOf(services: readonly KnownService[]): string {
  return wording.list([...new Set(services.map(({ binary }) => binary))].toSorted());
}
