/** A file that repeats the version, and how it stands there. The first group is what is before it. */
export interface VersionPlace {
  readonly file: string
  readonly pattern: RegExp
}

const imageTag = /((?:registry\.example\/mooring:|newTag: ))\d+\.\d+\.\d+(?:-[\w.]+)?/g

/** Every file, beside the generated ones, that repeats the version of package.json. */
export const versionPlaces: readonly VersionPlace[] = [
  { file: 'package.json', pattern: /^( {2}"version": ")[^"]+/gm },
  // Its own version stands twice at its beginning; further down are those of others.
  {
    file: 'package-lock.json',
    pattern: /^((?:\{\n {2}"name": "mooring",\n|.*"": \{\n {6}"name": "mooring",\n) +"version": ")[^"]+/gm,
  },
  { file: 'charts/mooring/Chart.yaml', pattern: /^((?:version|appVersion): ).+/gm },
  { file: 'charts/mooring/README.md', pattern: imageTag },
  { file: 'docs/quickstart-kubernetes.md', pattern: imageTag },
  { file: 'docs/kubernetes.md', pattern: imageTag },
  { file: 'Dockerfile', pattern: imageTag },
]

/** @throws Error where the version stands nowhere in the text */
export function replaceVersion(text: string, { file, pattern }: VersionPlace, version: string): string {
  if (text.search(pattern) === -1) throw new Error(`${file} names no version at ${pattern}`)
  return text.replace(pattern, (_whole, before: string) => `${before}${version}`)
}

/** The versions that a text names at a place. */
export function versionsIn(text: string, { pattern }: VersionPlace): string[] {
  return [...text.matchAll(pattern)].map(([whole, before = '']) => whole.slice(before.length))
}
