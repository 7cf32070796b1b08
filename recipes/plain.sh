#!/bin/sh -e
# recipe: a system with the usual tools, nothing that listens but ssh
# from: debian:12
# packages: git,htop,rsync,unattended-upgrades,vim-tiny
