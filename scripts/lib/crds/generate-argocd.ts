import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Generator } from '../generator.ts'
import { group } from './custom-resource.ts'
import { generatedNote, toYaml } from './generate-crds.ts'

const directory = join(fileURLToPath(new URL('../../..', import.meta.url)), 'manifests/argocd')

/** The health script as a patch of Argo CD's ConfigMap, for every kind of the group. */
export const argocdPatch: Generator = {
  name: 'the patch for Argo CD',
  directory,
  isPartOfDirectory: true,
  async generate() {
    const script = await readFile(join(directory, 'health.lua'), 'utf8')
    // Wildcards are understood beneath this key only.
    const customizations = toYaml({ [`${group}/*`]: { 'health.lua': script } })
    const patch = toYaml({ data: { 'resource.customizations': customizations } })
    return new Map([['argocd-cm-patch.yaml', generatedNote + patch]])
  },
}
