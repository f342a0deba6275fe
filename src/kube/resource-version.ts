/**
 * Whether `version` is from a later write than `than`. Since Kubernetes 1.35, versions of one resource compare as integers
 * by contract, and those of etcd always did. A version that is no integer is never newer.
 */
export function isNewerVersion(version: string | undefined, than: string | undefined): boolean {
  if (!isComparable(version) || !isComparable(than)) return false
  return version.length === than.length ? version > than : version.length > than.length
}

function isComparable(version: string | undefined): version is string {
  return version !== undefined && /^[1-9]\d*$/.test(version)
}
