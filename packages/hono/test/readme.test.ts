import { describePrograms } from '@coatcheck/harness/readme-programs'

describePrograms(new URL('../', import.meta.url), 1, 'README.md')
