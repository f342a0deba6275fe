import { readPackagedFile } from './packaged-files.ts'

/** The version of this package. */
export function packageVersion(): string {
  return (JSON.parse(readPackagedFile('package.json')) as { version: string }).version
}
