import { type CompiledGlob, compileGlob, hasGap, hasWord, isGlobMatch } from './glob.ts';

/** The image of a container: `registry.example/shop/api:209`. */
export interface ImageName {
  /** Without what Docker adds: `alpine` for `docker.io/library/alpine`. */
  readonly folders: string;
  /** As written. */
  readonly allFolders: string;
  /** `api` */
  readonly lastFolder: string;
  readonly tag: string;
  readonly digest: string | undefined;
}

/** The image of a command, of which parts may be known only when it runs. */
export interface ImagePattern {
  readonly folders: CompiledGlob;
  /** Undefined if it has a gap. */
  readonly lastFolder: string | undefined;
  /** Undefined if any tag and digest matches. */
  readonly tag: CompiledGlob | undefined;
  readonly digest: CompiledGlob | undefined;
  /** Whether enough of it is known to tell it from other images. */
  readonly isEvidence: boolean;
}

/** @returns undefined for an id, which the engine shows if the tag now belongs to another image */
export function imageName(image: string): ImageName | undefined {
  if (/^(?:sha256:)?[0-9a-f]{12,64}$/.test(image)) return undefined;
  const { folders, tag = 'latest', ...known } = split(image);
  return { folders: shortName(folders), allFolders: folders, tag, ...known };
}

export function imagePattern(glob: string): ImagePattern {
  const { lastFolder, tag, digest, ...known } = split(glob);
  const folders = shortName(known.folders);
  const isWhole = !hasGap(lastFolder);
  // A variable at the end may have the tag too: `shop/$IMAGE`.
  const mayBeAny = tag === undefined && hasGap(lastFolder.slice(-1));
  return {
    folders: compileGlob(folders),
    lastFolder: isWhole ? lastFolder : undefined,
    tag: mayBeAny ? undefined : compileGlob(tag ?? 'latest'),
    digest: digest === undefined ? undefined : compileGlob(digest),
    isEvidence: !hasGap(folders) || hasWord(isWhole ? folders : lastFolder),
  };
}

export function matchesImage(pattern: ImagePattern, image: ImageName): boolean {
  if (!isGlobMatch(pattern.folders, image.folders) && !isGlobMatch(pattern.folders, image.allFolders))
    return false;
  if (pattern.tag === undefined) return true;
  if (pattern.digest !== undefined || image.digest !== undefined)
    return (
      pattern.digest !== undefined && image.digest !== undefined && isGlobMatch(pattern.digest, image.digest)
    );
  return isGlobMatch(pattern.tag, image.tag);
}

function split(image: string): {
  readonly folders: string;
  readonly lastFolder: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
} {
  const at = image.indexOf('@');
  const named = at < 0 ? image : image.slice(0, at);
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const folders = colon < 0 ? named : named.slice(0, colon);
  return {
    folders,
    lastFolder: folders.slice(slash + 1),
    tag: colon < 0 ? undefined : named.slice(colon + 1),
    digest: at < 0 ? undefined : image.slice(at + 1),
  };
}

/** Docker Hub is the default. Podman shows it in full, and its own images as `localhost/base`. */
function shortName(folders: string): string {
  return folders.replace(/^(?:(?:index\.|registry-1\.)?docker\.io\/(?:library\/)?|localhost\/)/, '');
}

/** Registries where everyone finds images. */
const PUBLIC_REGISTRIES =
  /^(?:quay\.io|ghcr\.io|gcr\.io|k8s\.gcr\.io|registry\.k8s\.io|mcr\.microsoft\.com|public\.ecr\.aws|registry\.access\.redhat\.com|docker\.elastic\.co)\//;

/**
 * Whether others use this image too, who have nothing to do with the repository of the command. An image of another registry, of the repository's owner, or
 * with a tag that the command sets is hardly anyone else's.
 */
export function isPublicImage({ folders }: ImageName, { tag }: ImagePattern, repository: string): boolean {
  const parts = folders.split('/');
  const [first = ''] = parts;
  if (parts.length === 1) return OFFICIAL.has(first);
  const isHub = !/[.:]/.test(first);
  if (!isHub && !PUBLIC_REGISTRIES.test(folders)) return false;
  const owner = repository
    .slice(repository.indexOf(':') + 1)
    .split('/')[0]
    ?.toLowerCase();
  if (owner && parts.slice(0, -1).some((one) => one.toLowerCase() === owner)) return false;
  return tag !== undefined && tag.last === undefined;
}

/** Images of Docker Hub that pipelines run: https://github.com/docker-library/official-images/tree/master/library */
const OFFICIAL: ReadonlySet<string> = new Set(
  (
    'adminer almalinux alpine amazoncorretto amazonlinux arangodb archlinux bash buildpack-deps busybox caddy cassandra centos chronograf clojure ' +
    'composer consul couchbase couchdb crate dart debian docker drupal eclipse-mosquitto eclipse-temurin elasticsearch elixir erlang fedora fluentd ' +
    'gcc ghost golang gradle groovy haproxy haskell haxe hello-world httpd hylang ibmjava influxdb jetty jruby julia kibana kong logstash mageia ' +
    'mariadb matomo maven mediawiki memcached mongo mongo-express monica mono mysql nats neo4j neurodebian nextcloud nginx node odoo openjdk oraclelinux ' +
    'percona perl photon php plone postgres postgrest pypy python rabbitmq r-base redis redmine registry rockylinux ruby rust sapmachine ' +
    'scratch silverpeas solr sonarqube spark spiped storm swift swipl telegraf tomcat tomee traefik ubuntu unit varnish vault wordpress xwiki yourls zookeeper'
  ).split(' '),
);
