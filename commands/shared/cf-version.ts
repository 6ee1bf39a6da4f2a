/** The first release whose dopplers do not register in etcd and whose metron_agent finds them by DNS. */
const FIRST_WITHOUT_ETCD = 251;

/** cf-release was numbered from 1 to 287; development releases on top of one are `245+dev.1`, and `0+dev.1` on top of none. */
const CF_RELEASE = /^cf(?:-release)?[ /-]?v?([1-9]\d{0,2})(?:\.\d+)*(?:\+dev\.\d+)?$/i;
/** A number of three digits without a name is a version of cf-release: cf-deployment started at 0. */
const BARE_NUMBER = /^v?(\d{3})(?:\.\d+)*$/i;
/** Replaced cf-release, so each of its versions is newer. */
const CF_DEPLOYMENT = /^cf-deployment(?:[ /-]v?\d+(?:\.\d+)*)?$/i;

/**
 * Whether dopplers and metron_agent of this Cloud Foundry use etcd, as they did before v251; undefined if the version is absent or not
 * recognized. Accepts what a source reports (`cf/245`, `cf-deployment`) and other common ways to write a version.
 */
export function usesEtcd(version = ''): boolean | undefined {
  const text = version.trim();
  if (CF_DEPLOYMENT.test(text)) return false;
  const [, release] = CF_RELEASE.exec(text) ?? BARE_NUMBER.exec(text) ?? [];
  return release === undefined ? undefined : Number(release) < FIRST_WITHOUT_ETCD;
}
