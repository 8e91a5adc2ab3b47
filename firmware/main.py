from pressloop_fw.boards import pico

pico.main()
