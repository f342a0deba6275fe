import { main } from '../../src/cli/main.ts'

// The main module of an executable is CommonJS, which has no await at its top.
void main()
