import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readTree } from './generated-tree.ts'
import type { Generator } from './generator.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const generatorBin = fileURLToPath(
  import.meta.resolve('@grpc/proto-loader/build/bin/proto-loader-gen-types.js'),
)

/** TypeScript types of proto/csi.proto, with 64-bit integers as bigint (the loader in src/csi agrees). */
export const csiTypes: Generator = {
  name: 'CSI types',
  directory: join(repository, 'src/csi/generated'),
  async generate() {
    const directory = await mkdtemp(join(tmpdir(), 'mooring-generate-'))
    try {
      await promisify(execFile)(
        process.execPath,
        [
          generatorBin,
          ...['--enums=String', '--defaults', '--oneofs', '--includeComments'],
          ...['--grpcLib=@grpc/grpc-js', '--importFileExtension=.ts', '-O', directory],
          'proto/csi.proto',
        ],
        { cwd: repository },
      )
      const files = await readTree(directory)
      return new Map([...files].map(([path, content]) => [path, useBigint(content)]))
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
}

/** The generator knows Long, string and number for int64, though the loader gives bigint as well. */
function useBigint(content: string): string {
  return content
    .replace(/^import type \{ Long \} from '@grpc\/proto-loader';\n/m, '')
    .replaceAll('(number | string | Long)', '(number | bigint)')
    .replaceAll('(Long)', '(bigint)')
    .replace(/[ \t]+$/gm, '')
}
